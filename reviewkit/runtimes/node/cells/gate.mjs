// `import { gate } from 'reviewkit'`: a gate forces an interleaving; it holds calls until enough of them have come. Types: gate.d.mts.

const STEP_MS = 50;
const LATE_MS = 50; // a step that ends so much too late is not counted: the thread was busy, and others may have had no turn

class Gate {
  #n;
  #patience;
  #waiting = []; // what lets those go on that are held
  #timer;
  arrived = 0;
  isOpen = false;

  constructor(n, patience) {
    this.#n = n;
    this.#patience = patience;
  }

  arrive() {
    if (this.isOpen) return Promise.resolve();
    this.arrived += 1;
    clearTimeout(this.#timer);
    if (this.arrived >= this.#n) this.open();
    else this.#wait(this.#patience * 1000);
    return this.isOpen ? Promise.resolve() : new Promise((go) => this.#waiting.push(go));
  }

  /** Open after so many milliseconds without a further call, counted in steps. */
  #wait(left) {
    if (left <= 0) {
      process.stderr.write(`gate: opened with ${this.arrived} of ${this.#n} calls, no other came for ${this.#patience} s\n`);
      return this.open();
    }
    const step = Math.min(STEP_MS, left), due = performance.now() + step;
    this.#timer = setTimeout(() => this.#wait(performance.now() - due > LATE_MS ? left : left - step), step);
  }

  open() {
    clearTimeout(this.#timer);
    this.isOpen = true;
    for (const go of this.#waiting.splice(0)) go();
  }

  before(what, method, when) {
    const gate = this;
    return held(what, method, when, async function (call, values) {
      await gate.arrive();
      return call.apply(this, values);
    });
  }

  after(what, method, when) {
    const gate = this;
    return held(what, method, when, async function (call, values) {
      const value = await call.apply(this, values);
      await gate.arrive();
      return value;
    });
  }
}

/** A function, or a method of an object in its place, whose calls are made by `made`; those that `when` does not want are as before. */
function held(what, method, when = () => true, made) {
  const call = method === undefined ? what : what[method];
  if (typeof call !== 'function') throw new TypeError(`gate: ${method === undefined ? 'this' : String(method)} is no function`);
  const wrapped = function (...values) {
    return when(...values) ? made.call(this, call, values) : call.apply(this, values);
  };
  if (method === undefined) return wrapped;
  what[method] = wrapped;
}

export function gate(n, { patience = 1 } = {}) {
  if (!Number.isInteger(n) || n < 1) throw new RangeError('gate: say how many calls open it, 1 or more');
  if (!(typeof patience === 'number' && patience >= 0)) throw new RangeError('gate: patience is a number of seconds, 0 or more');
  return new Gate(n, patience);
}
