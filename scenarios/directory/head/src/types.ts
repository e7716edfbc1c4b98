export type Team = 'dispatch' | 'depot' | 'night' | 'office';

export const TEAMS: readonly Team[] = ['dispatch', 'depot', 'night', 'office'];

export interface Manager {
  id: string;
  name: string;
}

export interface Person {
  id: string;
  /** As they want to be called; people write it into their own profile. */
  name: string;
  title: string;
  team: Team;
  phone: string;
  manager: Manager | null;
}

export interface SearchReply {
  /** At most 50, best match first. */
  people: Person[];
  /** How many there are in all. */
  total: number;
}

export type Order = 'relevance' | 'name';
