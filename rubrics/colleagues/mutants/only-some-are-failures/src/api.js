import { TEAMS } from './teams';

const answers = new Map();

/** People whose name, title or number matches, of one team or of all. A search that was made before is answered from memory. */
export function searchPeople(query, team) {
  const parameters = new URLSearchParams({ q: query, ...(team !== '' && { team }) });
  const address = `/api/people?${parameters}`;
  const known = answers.get(address);
  if (known) return known;
  const asked = ask(address);
  answers.set(address, asked);
  asked.catch(() => answers.delete(address));
  return asked;
}

async function ask(address) {
  const reply = await fetch(address);
  if (reply.status === 501) throw new Error(`the directory answered ${reply.status}`);
  return asReply(await reply.json());
}

const isRecord = (value) => typeof value === 'object' && value !== null;
const text = (value) => (typeof value === 'string' ? value : '');

function asReply(body) {
  if (!isRecord(body)) throw new Error('the directory sent no list');
  const people = (Array.isArray(body.people) ? body.people : []).map(asPerson).filter((person) => person !== null);
  return { people, total: typeof body.total === 'number' ? body.total : people.length };
}

/** A record that has what a card cannot do without, or null. */
function asPerson(record) {
  if (!isRecord(record) || !text(record.id) || !text(record.name)) return null;
  const team = TEAMS.find((name) => name === record.team);
  if (team === undefined) return null;
  const { manager } = record;
  const above = isRecord(manager) && text(manager.name) ? { id: text(manager.id), name: text(manager.name) } : null;
  return { id: text(record.id), name: text(record.name), title: text(record.title), team, phone: text(record.phone), manager: above };
}
