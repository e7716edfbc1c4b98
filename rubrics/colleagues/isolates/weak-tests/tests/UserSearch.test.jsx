import assert from 'node:assert/strict';
import test, { mock } from 'node:test';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { UserSearch } from '../src/UserSearch';
import { UserCard } from '../src/UserCard';

const ada = { id: 'p-1', name: 'Ada Lund', title: 'Dispatcher', team: 'dispatch', phone: '4711', manager: null };
const names = () => screen.queryAllByTestId('name').map((name) => name.textContent);

function serve(answer) {
  const calls = [];
  globalThis.fetch = async (address) => {
    const word = new URL(address, 'http://app').searchParams.get('q');
    calls.push(word);
    return { ok: true, json: async () => await answer(word) };
  };
  return { calls };
}

async function type(text, wait = 300) {
  await act(async () => void fireEvent.change(screen.getByRole('searchbox'), { target: { value: text } }));
  await act(async () => mock.timers.tick(wait));
}

function page(name, run) {
  test(name, async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      render(<UserSearch onCall={() => {}} />);
      await run();
    } finally {
      cleanup();
      mock.timers.reset();
    }
  });
}

page('people are searched for after a pause', async () => {
  const { calls } = serve(() => ({ people: [ada], total: 1 }));
  await type('a', 100);
  await type('ada');
  assert.ok(calls.length <= 1);
});

page('the answer to the last question stays', async () => {
  const waiting = {};
  serve((word) => new Promise((done) => (waiting[word] = done)));
  await type('old');
  await type('new');
  assert.ok(waiting);
});

page('an error is said and can be got over', async () => {
  let works = false;
  serve(async () => (works ? { people: [ada], total: 1 } : Promise.reject(new TypeError('fetch failed'))));
  await type('bo');
  works = true;
  assert.equal(names().length, 0);
});

test('a card shows the name and opens', () => {
  render(<UserCard person={ada} match="ada" onCall={() => {}} />);
  assert.equal(screen.getByTestId('name').textContent, 'Ada Lund');
  fireEvent.click(screen.getByRole('button', { name: 'Ada Lund' }));
  assert.match(screen.getByTestId('details').textContent, /4711/);
  cleanup();
});
