import { ChangeEvent, useCallback, useMemo, useRef, useState } from 'react';
import { searchPeople } from './api';
import { Order, Person, Team, TEAMS } from './types';
import { useDebouncedCallback } from './useDebouncedCallback';
import { UserCard } from './UserCard';

const PAUSE_MS = 300;

export interface UserSearchProps {
  onCall: (person: Person) => void;
}

export function UserSearch({ onCall }: UserSearchProps) {
  const [query, setQuery] = useState<string>('');
  const [match, setMatch] = useState<string>('');
  const [team, setTeam] = useState<Team | ''>('');
  const [order, setOrder] = useState<Order>('relevance');
  const [people, setPeople] = useState<Person[]>([]);
  const [total, setTotal] = useState<number>(0);
  const [loading, setLoading] = useState<boolean>(false);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef(0);

  const search = useCallback(async (text: string, wanted: Team | ''): Promise<void> => {
    const mine = (latest.current += 1);
    const isLatest = () => mine === latest.current;
    setError(null);
    setLoading(text !== '');
    try {
      const reply = text === '' ? { people: [], total: 0 } : await searchPeople(text, wanted);
      if (!isLatest()) return;
      setPeople(reply.people);
      setTotal(reply.total);
      setMatch(text);
    } catch {
      if (!isLatest()) return;
      setError('The directory cannot be reached.');
      setPeople([]);
      setMatch('');
    } finally {
      if (isLatest()) setLoading(false);
    }
  }, []);
  const searchSoon = useDebouncedCallback((text: string) => search(text, team), PAUSE_MS);

  const handleChange = useCallback((event: ChangeEvent<HTMLInputElement>): void => {
    setQuery(event.target.value);
    searchSoon(event.target.value.trim());
  }, [searchSoon]);

  const handleTeam = (event: ChangeEvent<HTMLSelectElement>): void => {
    const wanted = event.target.value as Team | '';
    setTeam(wanted);
    void search(query.trim(), wanted);
  };

  const visible = useMemo<Person[]>(
    () => (order === 'name' ? [...people].sort((a, b) => a.name.localeCompare(b.name)) : people),
    [people, order],
  );

  return (
    <section aria-label="People">
      <form role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          Find a colleague <input type="search" value={query} onChange={handleChange} />
        </label>
        <label>
          Team{' '}
          <select name="team" value={team} onChange={handleTeam}>
            <option value="">all</option>
            {TEAMS.map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
        <label>
          Order{' '}
          <select name="order" value={order} onChange={(event) => setOrder(event.target.value as Order)}>
            <option value="relevance">best match</option>
            <option value="name">name</option>
          </select>
        </label>
      </form>
      <div role="status">
        {loading && <p data-testid="loading">Searching…</p>}
        {match !== '' && <p data-testid="count">{countOf(visible.length, total)} found for “{match}”</p>}
        {match !== '' && match === query.trim() && !loading && visible.length === 0 && (
          <p data-testid="empty">Nobody found. Is the name spelled as in the directory?</p>
        )}
      </div>
      <div role="alert">
        {error !== null && (
          <p data-testid="error">
            {error} <button type="button" data-testid="retry" onClick={() => search(query.trim(), team)}>Try again</button>
          </p>
        )}
      </div>
      <ul>
        {visible.map((person) => (
          <li key={person.id}>
            <UserCard person={person} match={match} onCall={onCall} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const countOf = (shown: number, total: number): string => (total > shown ? `${shown} of ${total} people` : `${shown} people`);
