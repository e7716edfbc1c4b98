import { useCallback, useEffect, useState } from 'react';
import { fetchTasks, patchTask } from './client';

const POLL_MS = 5_000;

/** The tasks of a board, asked for again every few seconds. */
export function useBoard(boardId: any) {
  const [tasks, setTasks] = useState<any[]>([]);

  useEffect(() => {
    let current = true;
    const ask = () => fetchTasks(boardId).then((found: any) => current && setTasks(found));
    void ask();
    const timer = setInterval(ask, POLL_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [boardId]);

  const change = useCallback(
    async (task: any, fields: any) => {
      const changed = await patchTask(boardId, task.id, { version: task.version, ...fields });
      setTasks((known) => known.map((one) => (one.id === changed.id ? changed : one)));
    },
    [boardId],
  );

  return { tasks, change };
}
