/** Follows one order through the tree and notes whose code is running at each mark: the innermost part, across every await. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { buildApp } from './src/app';
import { Notifier } from './src/gateways';
import { OrderProcessor } from './src/orderProcessor';
import { OrderService } from './src/orderService';

const PARTS: [string, any, string][] = [
  ['service', OrderService, 'processOrder'], ['enqueue', OrderProcessor, 'enqueue'], ['work', OrderProcessor, 'work'],
  ['process', OrderProcessor, 'process'], ['retry', OrderProcessor, 'retry'], ['alert', Notifier, 'alert'],
];
const TURNS = 60;
const running = new AsyncLocalStorage<string>();
const order: string[] = [];
const marks: Record<string, string> = {};
let queued = 0;

function mark(name: string): void {
  marks[name] ??= running.getStore() ?? 'nobody';
}

function wrap(part: string, type: any, name: string): void {
  const method = type.prototype[name];
  type.prototype[name] = function (...values: unknown[]) {
    return running.run(part, () => {
      if (!order.includes(part)) order.push(part);
      if (part === 'enqueue' && ++queued === 2) mark('again');
      return method.apply(this, values);
    });
  };
}

export async function setup(env: any): Promise<void> {
  for (const part of PARTS) wrap(...part);
  const connect = async () => {
    const real = await env.connect('main');
    const execute = (sql: string, parameters: unknown[]) => {
      if (/update\s+inventory/i.test(sql)) mark('shelf');
      if (/insert\s+into\s+orders/i.test(sql)) mark('row');
      return real.execute(sql, parameters);
    };
    return { execute, commit: () => real.commit(), rollback: () => real.rollback(), close: () => real.close() };
  };
  const log = { info: () => {}, error: (event: string) => (event === 'order.failed' ? mark('failure') : undefined) };
  const sleep = async () => mark('waits');
  env.state.connect = () => env.connect('main');
  env.state.app = buildApp(connect, log, sleep);
  await env.state.app.start();
}

/** Send the order, let the worker come to an end with it, and tell what was seen. */
export async function follow(env: any): Promise<{ order: string[]; marks: Record<string, string> }> {
  await env.state.app.service.processOrder({ orderId: 'o-1', customerId: 'c-1', lines: [{ sku: 'sku-1', quantity: 1, unitCents: 500 }] });
  for (let n = 0; n < TURNS; n++) {
    const probe = await env.state.connect();
    await probe.execute('SELECT 1');
    await probe.close();
    await new Promise((done) => setImmediate(done));
  }
  return { order, marks };
}
