import { useCallback, useEffect, useRef } from 'react';

/** A function that calls `callback` once it has not been called itself for `delay` milliseconds, with its last arguments. */
export function useDebouncedCallback(callback, delay) {
  const timer = useRef(undefined);

  useEffect(() => () => clearTimeout(timer.current), [callback]);

  return useCallback(
    (...args) => {
      clearTimeout(timer.current);
      timer.current = setTimeout(() => callback(...args), delay);
    },
    [callback, delay],
  );
}
