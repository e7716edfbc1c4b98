/** How the page is used. Runs beside the code under review; what it looks for are roles, names of fields and `data-testid`s. */
const QUIET_TURNS = 3;
const MOST_TURNS = 400;

/** Time that is turned by hand: `setTimeout` of the code under review waits for it. */
class Clock {
  now = 0;
  next = 1;
  waiting = new Map();

  install() {
    const set = (run, ms = 0, ...values) => {
      this.waiting.set(this.next, { at: this.now + ms, run: () => run(...values) });
      return this.next++;
    };
    const clear = (id) => void this.waiting.delete(id);
    for (const place of [globalThis, window]) Object.assign(place, { setTimeout: set, clearTimeout: clear });
  }

  get size() {
    return this.waiting.size;
  }

  turn(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.waiting].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.waiting.delete(due[0]);
      this.now = due[1].at;
      due[1].run();
    }
    this.now = end;
  }
}

const turn = () => new Promise((done) => setImmediate(done));

export async function setup(env) {
  const { state } = env;
  state.drawn = new Map();
  watchDrawing(state.drawn);
  console.error = (text) => env.log({ event: 'console.error', text: String(text).slice(0, 200) });
  process.on('unhandledRejection', (error) => env.log({ event: 'unhandled', text: String(error?.message ?? error) }));
  const ask = globalThis.fetch;
  state.settled = 0;
  state.pulse = () => ask('http://pulse/').catch(() => null); // nobody is there: it comes back after whatever was answered before it
  globalThis.fetch = window.fetch = async (...values) => {
    const { life } = state;
    life.asking += 1;
    try {
      return await ask(...values);
    } finally {
      life.asking -= 1;
      state.settled += 1;
    }
  };
  state.library = await import('@testing-library/react');
  state.clock = new Clock();
  state.clock.install();
  state.UserSearch = (await import('./src/UserSearch')).UserSearch;
  await open(env);
}

/** Count how often each component is drawn, as the developer tools do. */
function watchDrawing(drawn) {
  const name = (type) => type?.displayName ?? type?.name ?? name(type?.type ?? type?.render ?? { name: '?' });
  const visit = (fiber) => {
    for (let at = fiber; at; at = at.sibling) {
      if (typeof at.type === 'function' || typeof at.elementType === 'object') {
        const before = at.alternate;
        const moved = !before || before.memoizedProps !== at.memoizedProps || before.memoizedState !== at.memoizedState;
        if (moved && (at.flags & 1) === 1) drawn.set(name(at.type), (drawn.get(name(at.type)) ?? 0) + 1);
      }
      visit(at.child);
    }
  };
  globalThis.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
    isDisabled: false, supportsFiber: true, inject: () => 1, onScheduleFiberRoot() {}, onCommitFiberUnmount() {}, onPostCommitFiberRoot() {},
    onCommitFiberRoot: (_id, root) => visit(root.current.child), checkDCE() {},
  };
}

/** Open the page anew; what an earlier one has asked for is still under way. */
export async function open(env) {
  const { state } = env;
  const { act, cleanup, render } = state.library;
  cleanup();
  state.calls = [];
  state.life = { asking: 0 };
  await act(async () => {
    state.view = render(<state.UserSearch onCall={(person) => state.calls.push(person.id)} />);
  });
}

/** Close the page, and say how many timers are left. */
export function close(env) {
  env.state.library.cleanup();
  return env.state.clock.size;
}

const field = () => document.querySelector('input[type=search]');
const inside = (card, id) => card.querySelector(`[data-testid=${id}]`);
const cards = () => [...document.querySelectorAll('[data-testid=person]')];
const named = (name) => {
  const found = cards().find((card) => inside(card, 'name')?.textContent === name);
  if (!found) throw new Error(`no card of ${name}`);
  return found;
};

const plain = (found) => found?.textContent?.replace(/\s+/g, ' ').trim() ?? null;

async function does(env, what) {
  try {
    await env.state.library.act(async () => void (await what()));
  } catch (error) {
    env.log({ event: 'thrown', text: String(error?.message ?? error) });
  }
}

/** Put a text into the field. */
export const type = (env, { text }) =>
  does(env, () => void env.state.library.fireEvent.change(field(), { target: { value: text } }));

/** Let time pass, in milliseconds. */
export const wait = (env, { ms }) => does(env, () => env.state.clock.turn(ms));

/** Choose in one of the lists, by its name. */
export const choose = (env, { list, value }) =>
  does(env, () => void env.state.library.fireEvent.change(document.querySelector(`select[name=${list}]`), { target: { value } }));

/** Click a part of a card. */
export const click = (env, { name, part = 'toggle' }) =>
  does(env, () => void env.state.library.fireEvent.click(inside(named(name), part)));

/** Click a part of the page, if it is there; say whether it is. */
export async function press(env, { part }) {
  const found = document.querySelector(`[data-testid=${part}]`);
  if (found) await does(env, () => void env.state.library.fireEvent.click(found));
  return found !== null;
}

/** Press a key on each part of a card that a selector finds, with what a browser does of itself; say how many there were. */
export async function key(env, { name, selector, key: pressed }) {
  const { fireEvent } = env.state.library;
  const parts = [...named(name).querySelectorAll(selector)];
  for (const part of parts) {
    await does(env, () => {
      part.focus();
      const goesOn = fireEvent.keyDown(part, { key: pressed });
      if (goesOn && pressed === 'Enter' && /^(BUTTON|A|SUMMARY)$/.test(part.tagName)) fireEvent.click(part);
      fireEvent.keyUp(part, { key: pressed });
    });
  }
  return parts.length;
}

/** Let the page take in answers, until so many questions are open (-1: however many) and nothing more comes of them. */
export async function settle(env, { open: wanted = 0 }) {
  const { state } = env;
  const taken = async () => {
    for (let quiet = 0, all = 0, seen = state.settled; quiet < QUIET_TURNS && all < MOST_TURNS; all++) {
      await state.pulse();
      await turn();
      const still = state.settled === seen && (wanted < 0 || state.life.asking <= wanted);
      quiet = still ? quiet + 1 : 0;
      seen = state.settled;
    }
  };
  await does(env, taken);
}

/** What the page shows. */
export function page(env) {
  const text = (id) => plain(document.querySelector(`[data-testid=${id}]`));
  const names = cards().map((card) => inside(card, 'name')?.textContent ?? '');
  const opened = cards().filter((card) => inside(card, 'details')).map((card) => inside(card, 'name')?.textContent ?? '');
  return {
    people: names, details: opened, field: field()?.value ?? null, calls: env.state.calls, blank: field() === null,
    loading: text('loading'), error: text('error'), count: text('count'), empty: text('empty'),
  };
}

/** What a selector finds on the page, in order. */
export const look = (_env, { selector }) =>
  [...document.querySelectorAll(selector)].map((found) => ({ tag: found.tagName.toLowerCase(), text: plain(found) }));

/** How often each component was drawn since this was last asked. */
export function drawn(env) {
  const counted = Object.fromEntries(env.state.drawn);
  env.state.drawn.clear();
  return counted;
}
