/** People whose name, title or number matches, of one team or of all. */
export async function searchPeople(query, team) {
  const parameters = new URLSearchParams({ q: query, ...(team && { team }) });
  const reply = await fetch(`/api/people?${parameters}`);
  if (!reply.ok) throw new Error(`the directory answered ${reply.status}`);
  return await reply.json();
}
