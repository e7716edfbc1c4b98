/** Looks into a process of the service, and runs the author's own tests, once with a worker that never comes out of a pause. */
import { registerHooks } from 'node:module';
import { buildApp } from './src/app';
import { OrderProcessor } from './src/orderProcessor';

const shared = globalThis as any;

export async function setup(env: any): Promise<void> {
  process.on('unhandledRejection', () => {});
  const log = { info: () => {}, error: () => {} };
  env.state.app = buildApp(() => env.connect('main'), log, async () => {});
  await env.state.app.start();
}

export const submit = (env: any, { orderId }: any) =>
  env.state.app.service.processOrder({ orderId, customerId: 'c-1', lines: [{ sku: 'sku-1', quantity: 1, unitCents: 500 }] });

export async function settle(env: any, { turns }: any): Promise<void> {
  const probe = await env.connect('main');
  for (let n = 0; n < turns; n++) {
    await probe.execute('SELECT 1');
    await new Promise((done) => setImmediate(done));
  }
  await probe.close();
}

/** How many different orders (`o-1`, `o-2`, ...) the service's objects still name, however they keep them. */
export function held(env: any): number {
  const seen = new Set<unknown>(), orders = new Set<string>(), open: unknown[] = [env.state.app.service];
  while (open.length > 0) {
    const thing = open.pop();
    if (typeof thing === 'string' && /^o-\d+$/.test(thing)) orders.add(thing);
    if (thing === null || typeof thing !== 'object' || seen.has(thing)) continue;
    seen.add(thing);
    if (thing instanceof Map) open.push(...thing.keys(), ...thing.values());
    if (thing instanceof Set) open.push(...thing);
    open.push(...Object.values(thing));
  }
  return orders.size;
}

/** Run the tests of the tree; `stuck`: its worker never comes out of a pause, so that it tries nothing again. */
export async function suite(_env: any, { stuck }: any): Promise<{ passed: number; failed: number }> {
  shared.rkTests = [];
  shared.rkProcessor = stuck
    ? class extends OrderProcessor {
        constructor(db: any, payments: any, notifier: any, log: any) {
          super(db, payments, notifier, log, () => new Promise(() => {}));
        }
      }
    : OrderProcessor;
  const stands = { 'node:test': 'export default (name, run) => globalThis.rkTests.push(run);', '../src/orderProcessor': 'export const OrderProcessor = globalThis.rkProcessor;' };
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const text = context.parentURL?.includes('/tests/') ? (stands as any)[specifier] : undefined;
      return text ? { url: `data:text/javascript,${encodeURIComponent(text)}//${stuck}`, shortCircuit: true } : next(specifier, context);
    },
  });
  await import('./tests/orderService.test');
  hooks.deregister();
  let failed = 0;
  for (const run of shared.rkTests) await run().catch(() => (failed += 1));
  return { passed: shared.rkTests.length - failed, failed };
}
