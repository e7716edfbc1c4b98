import { useCallback, useMemo, useRef, useState } from 'react';
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
  const [total, setTotal] = useState(0);
  const [loading, setLoading] = useState(false);
  const [error, setError] = useState(null);
  const latest = useRef(0);

  const search = useCallback(async (text, wanted) => {
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
  const searchSoon = useDebouncedCallback((text) => search(text, team), PAUSE_MS);

  const handleChange = useCallback((event) => {
    setQuery(event.target.value);
    searchSoon(event.target.value.trim());
  }, [searchSoon]);

  const handleTeam = (event) => {
    const wanted = event.target.value;
    setTeam(wanted);
    void search(query.trim(), wanted);
  };

  const visible = useMemo(
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
          <select name="order" value={order} onChange={(event) => setOrder(event.target.value)}>
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
            <UserCard person={person} match={match} onCall={(called) => onCall(called)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const countOf = (shown, total) => (total > shown ? `${shown} of ${total} people` : `${shown} people`);
