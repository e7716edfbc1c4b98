import { useRef, useState } from 'react';
import { searchPeople } from './api';
import { TEAMS } from './teams';

export function UserSearch({ onCall }) {
  const [query, setQuery] = useState('');
  const [team, setTeam] = useState('');
  const [people, setPeople] = useState([]);
  const [open, setOpen] = useState('');
  const latest = useRef(0);

  async function search(text, wanted) {
    const mine = (latest.current += 1);
    const reply = text === '' ? { people: [] } : await searchPeople(text, wanted);
    if (mine === latest.current) setPeople(reply.people);
  }

  return (
    <section aria-label="People">
      <form role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          Find a colleague{' '}
          <input
            type="search"
            value={query}
            onChange={(event) => {
              setQuery(event.target.value);
              search(event.target.value.trim(), team);
            }}
          />
        </label>
        <label>
          Team{' '}
          <select
            name="team"
            value={team}
            onChange={(event) => {
              setTeam(event.target.value);
              search(query.trim(), event.target.value);
            }}
          >
            <option value="">all</option>
            {TEAMS.map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
      </form>
      <p role="status" data-testid="count">{people.length} people</p>
      <ul>
        {people.map((person) => (
          <li key={person.id} data-testid="person">
            <button type="button" data-testid="toggle" aria-expanded={open === person.id} onClick={() => setOpen(open === person.id ? '' : person.id)}>
              <span data-testid="name">{person.name}</span>
            </button>
            {open === person.id && (
              <p data-testid="details">
                {person.title}, {person.phone}{' '}
                <button type="button" data-testid="call" onClick={() => onCall(person)}>Call</button>
              </p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
