/** Runs the author's own tests as they are, and with a page that asks for nothing and shows nobody. */
import { registerHooks } from 'node:module';
import { cleanup } from '@testing-library/react';

const shared = globalThis;
const STANDS = {
  'node:test': "export { mock } from 'node:test'; export default (name, run) => globalThis.rkTests.push(run);",
  '../src/UserSearch': 'export const UserSearch = (props) => globalThis.rkPage(props);',
};

const Idle = () => <input type="search" aria-label="Find a colleague" />;

export async function suite() {
  shared.rkTests = [];
  process.on('unhandledRejection', () => {});
  console.error = () => {};
  const { UserSearch } = await import('./src/UserSearch');
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const text = context.parentURL?.includes('/tests/') ? STANDS[specifier] : undefined;
      return text ? { url: `data:text/javascript,${encodeURIComponent(text)}`, shortCircuit: true } : next(specifier, context);
    },
  });
  await import('./tests/UserSearch.test');
  hooks.deregister();
  return { all: shared.rkTests.length, failed: await failures(UserSearch), idle: await failures(Idle) };
}

async function failures(Page) {
  shared.rkPage = (props) => <Page {...props} />;
  let failed = 0;
  for (const run of shared.rkTests) {
    await Promise.resolve().then(run).catch(() => (failed += 1));
    cleanup();
  }
  return failed;
}
