import { useCallback, useEffect, useRef } from 'react';

/** A function that calls `callback` once it has not been called itself for `delay` milliseconds, with its last arguments. */
export function useDebouncedCallback(callback, delay) {
  const timer = useRef(undefined);
  const latest = useRef(callback);

  useEffect(() => {
    latest.current = callback;
  }, [callback]);
  useEffect(() => () => clearTimeout(timer.current), []);

  return useCallback(
    (...args) => {
      clearTimeout(timer.current);
      timer.current = setTimeout(() => latest.current(...args), delay);
    },
    [delay],
  );
}
