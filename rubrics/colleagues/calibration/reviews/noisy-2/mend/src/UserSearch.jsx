import { useCallback, useMemo, useState } from 'react';
import { searchPeople } from './api';
import { TEAMS } from './teams';
import { useDebouncedCallback } from './useDebouncedCallback';
import { UserCard } from './UserCard';

const PAUSE_MS = 300;

export function UserSearch({ onCall }) {
  const [query, setQuery] = useState('');
  const [match, setMatch] = useState('');
  const [team, setTeam] = useState('');
  const [order, setOrder] = useState('relevance');
  const [people, setPeople] = useState([]);
  const [loading, setLoading] = useState(false);
  const [error, setError] = useState(null);

  const search = useCallback(async (text) => {
    setError(null);
    if (text === '') {
      setPeople([]);
      setMatch('');
      return;
    }
    setLoading(true);
    try {
      const reply = await searchPeople(text);
      setPeople(reply.people);
      setMatch(text);
      setLoading(false);
    } catch {
      const earlier = people.length > 0 ? ' These are the people found before.' : '';
      setError(`The directory cannot be reached.${earlier}`);
    }
  }, [people]);
  const searchSoon = useDebouncedCallback(search, PAUSE_MS);

  const handleChange = useCallback((event) => {
    setQuery(event.target.value);
    searchSoon(event.target.value.trim());
  }, [searchSoon]);

  const visible = useMemo(() => {
    const members = team === '' ? people : people.filter((person) => person.team === team);
    return order === 'name' ? [...members].sort((a, b) => a.name.localeCompare(b.name)) : members;
  }, [people, team, order]);

  return (
    <section aria-label="People">
      <form role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          Find a colleague <input type="search" value={query} onChange={handleChange} />
        </label>
        <label>
          Team{' '}
          <select name="team" value={team} onChange={(event) => setTeam(event.target.value)}>
            <option value="">all</option>
            {TEAMS.map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
        <label>
          Order{' '}
          <select name="order" value={order} onChange={(event) => setOrder(event.target.value)}>
            <option value="relevance">best match</option>
            <option value="name">name</option>
          </select>
        </label>
      </form>
      {loading && <p data-testid="loading">Searching…</p>}
      {error !== null && (
        <p data-testid="error">
          {error} <button type="button" data-testid="retry" onClick={() => search(query.trim())}>Try again</button>
        </p>
      )}
      {match !== '' && <p data-testid="count">{visible.length} people found for “{match}”</p>}
      {match !== '' && visible.length === 0 && <p data-testid="empty">Nobody found. Is the name spelled as in the directory?</p>}
      <ul>
        {visible.map((person) => (
          <li key={person.id}>
            <UserCard person={person} match={match} onCall={(called) => onCall(called)} />
          </li>
        ))}
      </ul>
    </section>
  );
}
