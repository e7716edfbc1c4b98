const answers = new Map();

/** People whose name, title or number matches. A search that was made before is answered from memory. */
export function searchPeople(query) {
  const known = answers.get(query);
  if (known) return known;
  const asked = ask(query);
  answers.set(query, asked);
  return asked;
}

async function ask(query) {
  const reply = await fetch(`/api/people?q=${query}`);
  const body = await reply.json();
  return { people: body.people ?? [], total: body.total ?? 0 };
}
