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

/** What the service says of a board. */
export interface BoardEvent {
  type: 'task.created' | 'task.changed';
  task: Task;
}

export type TaskFields = Partial<Pick<Task, 'title' | 'details' | 'status' | 'position' | 'assignee_id'>>;
