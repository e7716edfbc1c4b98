async function ask(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${answer.status}`);
  }
  return await answer.json();
}

/** All tasks of a board. */
export const fetchTasks = (boardId: string) => ask('GET', `/boards/${boardId}/tasks`);

/** Change a task; `fields` names the version that the change was made on. */
export const patchTask = (boardId: string, taskId: string, fields: object) =>
  ask('PATCH', `/boards/${boardId}/tasks/${taskId}`, fields);
