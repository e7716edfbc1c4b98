import assert from 'node:assert/strict';
import test from 'node:test';
import { cleanup, render, screen } from '@testing-library/react';
import { UserSearch } from '../src/UserSearch';

test('the search has a field', () => {
  render(<UserSearch onCall={() => {}} />);
  assert.ok(screen.getByRole('searchbox', { name: 'Find a colleague' }));
  cleanup();
});
