import assert from 'node:assert/strict';
import test from 'node:test';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { UserSearch } from '../src/UserSearch';
import { UserCard } from '../src/UserCard';

const ada = { id: 'p-1', name: 'Ada Lund', title: 'Dispatcher', team: 'dispatch', phone: '4711', manager: { id: 'p-9', name: 'Ewa Boss' } };

function serve(people) {
  const calls = [];
  globalThis.fetch = async (address) => {
    calls.push(address);
    return { ok: true, json: async () => ({ people, total: people.length }) };
  };
  return { calls };
}

async function type(text) {
  fireEvent.change(screen.getByRole('searchbox'), { target: { value: text } });
  await act(async () => {});
}

test('the search renders', () => {
  const { container } = render(<UserSearch onCall={() => {}} />);
  assert.ok(container);
  cleanup();
});

test('people are searched for as one types', async () => {
  const { calls } = serve([ada]);
  render(<UserSearch onCall={() => {}} />);
  await type('ada');
  assert.ok(calls.length <= 1);
  cleanup();
});

test('an error is handled', async () => {
  globalThis.fetch = async () => Promise.reject(new TypeError('fetch failed'));
  render(<UserSearch onCall={() => {}} />);
  await type('bo');
  assert.equal(screen.queryAllByTestId('person').length, 0);
  cleanup();
});

test('a card shows the name', () => {
  render(<UserCard person={ada} match="ada" onCall={() => {}} />);
  assert.equal(screen.getByTestId('name').textContent, 'Ada Lund');
  cleanup();
});
