export type Team = 'dispatch' | 'depot' | 'night' | 'office';

export const TEAMS: readonly Team[] = ['dispatch', 'depot', 'night', 'office'];
