import { memo, useCallback, useMemo } from 'react';
import type { Status, Task, TaskFields } from './types';
import { useBoard } from './useBoard';

const COLUMNS: Status[] = ['todo', 'doing', 'done'];

interface CardProps {
  task: Task;
  onDone: (task: Task) => void;
}

const TaskCard = memo(function TaskCard({ task, onDone }: CardProps) {
  return (
    <article>
      <h3>{task.title}</h3>
      <p>{task.assignee ?? 'nobody'}</p>
      <button onClick={() => onDone(task)}>Done</button>
    </article>
  );
});

/** A board: three columns of cards. */
export function TaskBoard({ boardId }: { boardId: string }) {
  const { tasks, online, change } = useBoard(boardId);

  const columns = useMemo(
    () => COLUMNS.map((status) => ({ status, cards: tasks.filter((task) => task.status === status) })),
    [tasks],
  );
  const done = useCallback((task: Task) => void change(task, { status: 'done' } satisfies TaskFields), [change]);

  return (
    <main>
      {!online && <p role="status">Connecting…</p>}
      {columns.map(({ status, cards }) => (
        <section key={status} aria-label={status}>
          <h2>{status}</h2>
          {cards.map((task) => (
            <TaskCard key={task.id} task={task} onDone={done} />
          ))}
        </section>
      ))}
    </main>
  );
}
