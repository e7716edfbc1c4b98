import assert from 'node:assert/strict';
import test from 'node:test';
import { Database } from '../src/database';
import { OrderProcessor } from '../src/orderProcessor';
import { OrderService } from '../src/orderService';
import { memory, quiet } from './support';

const TURNS = 200;
const request = { orderId: 'o-1', customerId: 'c-1', lines: [{ sku: 'sku-1', quantity: 2, unitCents: 500 }] };
const mail = { confirmed: async () => {}, alert: async () => {} };

function build(capture: () => Promise<string>, notifier: any = mail) {
  const { sqlite, connect } = memory();
  const db = new Database(connect);
  const processor = new OrderProcessor(db, { capture } as any, notifier, quiet, async () => {});
  return { sqlite, processor, service: new OrderService(db, processor, quiet) };
}

/** Let the worker go on until an order has come to this end. */
async function until(service: OrderService, wanted: string): Promise<void> {
  for (let n = 0; n < TURNS && (await service.status('o-1')) !== wanted; n++) await new Promise((done) => setImmediate(done));
  assert.equal(await service.status('o-1'), wanted);
}

test('an order is stored before it is answered', async () => {
  const { service, sqlite } = build(async () => 'c-1');
  const answer = service.processOrder(request);
  assert.equal((await answer).status, 'queued');
  assert.equal(sqlite.prepare('SELECT count(*) AS n FROM orders').get()!.n, 1);
});

test('the worker confirms a queued order', async () => {
  const { service, sqlite } = build(async () => 'c-1');
  await service.processOrder(request);
  await until(service, 'confirmed');
  assert.equal(sqlite.prepare('SELECT on_hand FROM inventory').get()!.on_hand, 8);
});

test('a failed capture is tried again', async () => {
  let calls = 0;
  const { service, sqlite } = build(async () => {
    calls += 1;
    if (calls < 3) throw new Error('payments answered 503');
    return 'c-1';
  });
  await service.processOrder(request);
  await until(service, 'confirmed');
  assert.equal(calls, 3);
  assert.equal(sqlite.prepare('SELECT on_hand FROM inventory').get()!.on_hand, 8);
});

test('an order is given up after three retries, and its units come back', async () => {
  let calls = 0;
  const { service, sqlite } = build(async () => {
    calls += 1;
    throw new Error('payments answered 503');
  });
  await service.processOrder(request);
  await until(service, 'failed');
  assert.equal(calls, 4);
  assert.equal(sqlite.prepare('SELECT on_hand FROM inventory').get()!.on_hand, 10);
});
