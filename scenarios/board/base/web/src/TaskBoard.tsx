import { useBoard } from './useBoard';

const COLUMNS = ['todo', 'doing', 'done'];

/** A board: three columns of cards. */
export function TaskBoard({ boardId }: any) {
  const { tasks, change } = useBoard(boardId);
  return (
    <main>
      {COLUMNS.map((status) => (
        <section key={status} aria-label={status}>
          <h2>{status}</h2>
          {tasks
            .filter((task) => task.status === status)
            .map((task) => (
              <article key={task.id}>
                <h3>{task.title}</h3>
                <p>{task.assignee_id ?? 'nobody'}</p>
                <button onClick={() => void change(task, { status: 'done' })}>Done</button>
              </article>
            ))}
        </section>
      ))}
    </main>
  );
}
