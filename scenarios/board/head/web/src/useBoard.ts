import { useCallback, useEffect, useState } from 'react';
import { fetchTasks, patchTask } from './client';
import type { BoardEvent, Task, TaskFields } from './types';

const AGAIN_MS = 1_000;

const liveUrl = (boardId: string) => `${location.origin.replace(/^http/, 'ws')}/boards/${boardId}/live`;

/** A list with a task put in, or in the place of its older self. */
export function withTask(tasks: Task[], task: Task): Task[] {
  const known = tasks.some((one) => one.id === task.id);
  return known ? tasks.map((one) => (one.id === task.id ? task : one)) : [...tasks, task];
}

/** The tasks of a board, kept up to date by the service. */
export function useBoard(boardId: string) {
  const [tasks, setTasks] = useState<Task[]>([]);
  const [online, setOnline] = useState(false);

  useEffect(() => {
    let current = true;
    void fetchTasks(boardId).then((found: Task[]) => current && setTasks(found));
    return () => {
      current = false;
    };
  }, [boardId]);

  useEffect(() => {
    let socket: WebSocket;
    let timer: number | undefined;
    const open = () => {
      socket = new WebSocket(liveUrl(boardId));
      socket.onopen = () => setOnline(true);
      socket.onmessage = (message) => {
        const event = JSON.parse(message.data) as BoardEvent;
        setTasks(withTask(tasks, event.task));
      };
      socket.onclose = () => {
        setOnline(false);
        timer = window.setTimeout(open, AGAIN_MS);
      };
    };
    open();
    return () => {
      clearTimeout(timer);
      socket.onclose = null;
      socket.close();
    };
  }, [boardId, tasks]);

  const change = useCallback(
    (task: Task, fields: TaskFields) => patchTask(boardId, task.id, { version: task.version, ...fields }),
    [boardId],
  );

  return { tasks, online, change };
}
