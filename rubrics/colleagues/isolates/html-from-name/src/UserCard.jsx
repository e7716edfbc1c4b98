import { memo, useState } from 'react';

function emphasised(text, match) {
  const name = text;
  const at = name.toLowerCase().indexOf(match.toLowerCase());
  if (match === '' || at < 0) return name;
  const end = at + match.length;
  return `${name.slice(0, at)}<mark>${name.slice(at, end)}</mark>${name.slice(end)}`;
}

export const UserCard = memo(function UserCard({ person, match, onCall }) {
  const [open, setOpen] = useState(false);

  return (
    <div className="card" data-testid="person">
      <button type="button" className="card-title" data-testid="toggle" aria-expanded={open} onClick={() => setOpen((was) => !was)}>
        <span data-testid="name" dangerouslySetInnerHTML={{ __html: emphasised(person.name, match) }} />
      </button>
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
