/** Holds calls until enough of them have come. What is held gives a promise; an error of the call itself goes on at once and does not count. */
export interface Gate {
  /** Calls that had come when it opened. */
  readonly arrived: number;
  /** Whether further calls pass at once. */
  readonly isOpen: boolean;
  /** Come to the gate, and stay until it opens. */
  arrive(): Promise<void>;
  /** Let everybody pass from now on. */
  open(): void;
  /** The same function, each call of which is held before it is made. */
  before<A extends unknown[], R>(call: (...values: A) => R): (...values: A) => Promise<Awaited<R>>;
  /** The same for a method, in its place; with `when`, only calls with values that it wants. */
  before<T extends object, K extends Methods<T>>(object: T, method: K, when?: (...values: Values<T[K]>) => boolean): void;
  /** The same function, each call of which is held when it has its result. */
  after<A extends unknown[], R>(call: (...values: A) => R): (...values: A) => Promise<Awaited<R>>;
  /** The same for a method, in its place; with `when`, only calls with values that it wants. */
  after<T extends object, K extends Methods<T>>(object: T, method: K, when?: (...values: Values<T[K]>) => boolean): void;
}

type Methods<T> = { [K in keyof T]-?: T[K] extends (...values: never) => unknown ? K : never }[keyof T];
type Values<F> = F extends (...values: infer A) => unknown ? A : unknown[];

/**
 * A closed gate.
 * @param n calls that open it
 * @param options `patience`: seconds without a further call after which it opens all the same, and says so; the default is 1
 */
export function gate(n: number, options?: { patience?: number }): Gate;
