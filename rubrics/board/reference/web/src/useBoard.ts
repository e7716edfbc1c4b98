import { useCallback, useEffect, useRef, useState } from 'react';
import { fetchTasks, patchTask } from './client';
import { eventOf, type Task, type TaskFields } from './types';

const AGAIN_MS = 1_000;

const liveUrl = (boardId: string, seen: number | undefined) =>
  `${location.origin.replace(/^http/, 'ws')}/boards/${boardId}/live${seen === undefined ? '' : `?since=${seen}`}`;

/** A list with a task put in or in the place of its older self, in the order of the board. */
export function withTask(tasks: Task[], task: Task): Task[] {
  const known = tasks.find((one) => one.id === task.id);
  if (known && known.version > task.version) {
    return tasks;
  }
  const put = known ? tasks.map((one) => (one === known ? task : one)) : [...tasks, task];
  return put.sort((one, other) => one.position - other.position);
}

/** The tasks of a board, kept up to date by the service. */
export function useBoard(boardId: string) {
  const [tasks, setTasks] = useState<Task[]>([]);
  const [online, setOnline] = useState(false);
  const shown = useRef(boardId);

  useEffect(() => {
    let current = true;
    let socket: WebSocket;
    let timer: number | undefined;
    let seen: number | undefined;
    let failures = 0;
    shown.current = boardId;
    setTasks([]);
    const load = () => fetchTasks(boardId).then((found: Task[]) => current && setTasks((known) => found.reduce(withTask, known)));
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
    async (task: Task, fields: TaskFields) => {
      const changed: Task = await patchTask(boardId, task.id, { version: task.version, ...fields });
      if (shown.current === boardId) {
        setTasks((known) => withTask(known, changed));
      }
    },
    [boardId],
  );

  return { tasks, online, change };
}
