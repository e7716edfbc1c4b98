import { memo, useState } from 'react';

function Emphasised({ name, match }) {
  const at = name.toLowerCase().indexOf(match.toLowerCase());
  if (match === '' || at < 0) return name;
  const end = at + match.length;
  return (
    <>
      {name.slice(0, at)}
      <mark>{name.slice(at, end)}</mark>
      {name.slice(end)}
    </>
  );
}

export const UserCard = memo(function UserCard({ person, match, onCall }) {
  const [open, setOpen] = useState(false);

  return (
    <div className="card" data-testid="person">
      <div className="card-title" data-testid="toggle" onClick={() => setOpen((was) => !was)}>
        <span data-testid="name"><Emphasised name={person.name} match={match} /></span>
      </div>
      {open && (
        <div data-testid="details">
          <p>{person.title}, {person.team}, {person.phone}</p>
          {person.manager !== null && <p>Reports to {person.manager.name}</p>}
          <button type="button" data-testid="call" onClick={() => onCall(person)}>Call</button>
        </div>
      )}
    </div>
  );
});
