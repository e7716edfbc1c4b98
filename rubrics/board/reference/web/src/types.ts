export type Status = 'todo' | 'doing' | 'done';

/** A task as the service shows it. */
export interface Task {
  id: string;
  title: string;
  details: string;
  status: Status;
  position: number;
  version: number;
  assignee_id: string | null;
  assignee: string | null;
  comments: number;
}

/** What the service says of a board: a task as it is now, or that too much was missed. `seq` counts what happened. */
export type BoardEvent = { type: 'task'; seq: number; task: Task } | { type: 'reload'; seq: number };

/** What a message is, if it is one that this page knows. */
export function eventOf(text: string): BoardEvent | undefined {
  const said: unknown = JSON.parse(text);
  if (typeof said !== 'object' || said === null || !('type' in said) || !('seq' in said) || typeof said.seq !== 'number') {
    return undefined;
  }
  if (said.type === 'task' && 'task' in said && typeof said.task === 'object') {
    return { type: 'task', seq: said.seq, task: said.task as Task };
  }
  return said.type === 'reload' ? { type: 'reload', seq: said.seq } : undefined;
}

export type TaskFields = Partial<Pick<Task, 'title' | 'details' | 'status' | 'position' | 'assignee_id'>>;
