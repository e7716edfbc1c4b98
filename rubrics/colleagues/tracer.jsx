/** Follows one search through the page and notes whose code is running at each mark: the innermost part. */
import { registerHooks } from 'node:module';

const shared = globalThis;
const order = [];
const marks = {};
const running = [];
const WORD = 'ada';
const PAUSE_MS = 300;
const STANDS = {
  './api': "import * as real from './api?real'; export const searchPeople = (...all) => rkRun('api', () => real.searchPeople(...all));",
  './UserCard': "import * as real from './UserCard?real'; export const UserCard = (props) => rkRun('card', () => real.UserCard.type(props));",
};

function run(part, work) {
  if (!order.includes(part)) order.push(part);
  running.push(part);
  try {
    return work();
  } finally {
    running.pop();
  }
}

function mark(name) {
  marks[name] ??= running.at(-1) ?? 'nobody';
}

/** Let a method of the language tell when it is called in a way. */
function listen(owner, method, name, when) {
  const real = owner[method];
  owner[method] = function (...values) {
    if (running.length > 0 && when(...values)) mark(name);
    return real.apply(this, values);
  };
}

export async function follow() {
  const { act, fireEvent, render, screen } = await import('@testing-library/react');
  shared.rkRun = run;
  const timers = [];
  shared.setTimeout = (work, ms) => {
    if (ms === PAUSE_MS) mark('timer');
    return timers.push(work);
  };
  const ask = shared.fetch;
  shared.fetch = (...values) => run('ask', () => (mark('request'), ask(...values)));
  listen(Map.prototype, 'get', 'remembered', (key) => key === WORD);
  listen(String.prototype, 'indexOf', 'mark', (text) => text === WORD);
  const { UserSearch } = await withStands();
  const Page = (props) => run('page', () => UserSearch(props));
  await act(async () => void render(<Page onCall={() => {}} />));
  order.length = 0;
  const field = screen.getByRole('searchbox');
  const own = Object.keys(field).find((key) => key.startsWith('__reactProps'));
  const props = field[own];
  field[own] = { ...props, onChange: (event) => run('key', () => props.onChange(event)) };
  await act(async () => void fireEvent.change(field, { target: { value: WORD } }));
  await act(async () => timers.splice(0).forEach((work) => work()));
  while (!document.querySelector('[data-testid=person]')) {
    if (document.querySelector('[data-testid=error]')) throw new Error('the search failed');
    await act(async () => void (await new Promise((done) => setImmediate(done))));
  }
  return { order, marks };
}

async function withStands() {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier.endsWith('?real')) return next(specifier.replace('?real', ''), { ...context, parentURL: shared.rkPage });
      const text = /\/src\/UserSearch\.[jt]sx$/.test(context.parentURL ?? '') ? STANDS[specifier] : undefined;
      if (!text) return next(specifier, context);
      shared.rkPage = context.parentURL;
      return { url: `data:text/javascript,${encodeURIComponent(text)}`, format: 'module', shortCircuit: true };
    },
  });
  const page = await import('./src/UserSearch');
  hooks.deregister();
  return page;
}
