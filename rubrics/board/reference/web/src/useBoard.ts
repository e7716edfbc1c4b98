import { useCallback, useEffect, useState } from 'react';
import { fetchTasks, patchTask } from './client';
import { eventOf, type Task, type TaskFields } from './types';

const AGAIN_MS = 1_000;

const liveUrl = (boardId: string, seen: number | undefined) =>
  `${location.origin.replace(/^http/, 'ws')}/boards/${boardId}/live${seen === undefined ? '' : `?since=${seen}`}`;

/** A list with a task put in, or in the place of its older self. */
export function withTask(tasks: Task[], task: Task): Task[] {
  const known = tasks.find((one) => one.id === task.id);
  if (known && known.version > task.version) {
    return tasks;
  }
  return known ? tasks.map((one) => (one.id === task.id ? task : one)) : [...tasks, task];
}

/** The tasks of a board, kept up to date by the service. */
export function useBoard(boardId: string) {
  const [tasks, setTasks] = useState<Task[]>([]);
  const [online, setOnline] = useState(false);

  useEffect(() => {
    let current = true;
    let socket: WebSocket;
    let timer: number | undefined;
    let seen: number | undefined;
    let failures = 0;
    const load = () => fetchTasks(boardId).then((found: Task[]) => current && setTasks(found));
    const open = () => {
      socket = new WebSocket(liveUrl(boardId, seen));
      socket.onopen = () => {
        failures = 0;
        setOnline(true);
        if (seen === undefined) {
          void load(); // what happens from now on is told
        }
      };
      socket.onmessage = (message) => {
        const event = eventOf(message.data);
        if (event?.type === 'task') {
          setTasks((known) => withTask(known, event.task));
        } else if (event?.type === 'reload') {
          void load();
        }
        seen = event?.seq ?? seen;
      };
      socket.onclose = () => {
        setOnline(false);
        failures += 1;
        timer = window.setTimeout(open, Math.random() * AGAIN_MS * 2 ** Math.min(failures, 5));
      };
    };
    open();
    return () => {
      current = false;
      clearTimeout(timer);
      socket.onclose = null;
      socket.close();
    };
  }, [boardId]);

  const change = useCallback(
    (task: Task, fields: TaskFields) => patchTask(boardId, task.id, { version: task.version, ...fields }),
    [boardId],
  );

  return { tasks, online, change };
}
