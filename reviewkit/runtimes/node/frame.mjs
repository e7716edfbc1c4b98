// Runs in the frame of a live component: shows what the cell or the file gives.
import { tell } from './faults.mjs';
import { createElement, isValidElement } from 'react';
import { createRoot } from 'react-dom/client';
import * as shown from 'reviewkit:shown';

const isComponent = ([name, value]) => /^[A-Z]/.test(name) && (typeof value === 'function' || Boolean(value?.$$typeof));

function component() {
  if (shown.default !== undefined) return shown.default;
  const found = Object.entries(shown).filter(isComponent);
  if (found.length === 1) return found[0][1];
  const names = found.map(([name]) => name).join(', ');
  throw new Error(names ? `${names}: export one of them as default, or show one from a cell.` : 'Nothing to show: export a component, or end the cell with one.');
}

const found = component();
const root = createRoot(document.getElementById('root'), {
  onUncaughtError: (error, { componentStack }) => tell(error, componentStack ?? ''),
  onCaughtError: (error, { componentStack }) => tell(error, componentStack ?? ''),
});
root.render(isValidElement(found) || typeof found !== 'function' && !found?.$$typeof ? found : createElement(found));
