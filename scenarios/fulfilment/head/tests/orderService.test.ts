import assert from 'node:assert/strict';
import test from 'node:test';
import { Database } from '../src/database';
import { OrderProcessor } from '../src/orderProcessor';
import { OrderService } from '../src/orderService';
import { memory, quiet } from './support';

const request = { orderId: 'o-1', customerId: 'c-1', lines: [{ sku: 'sku-1', quantity: 2, unitCents: 500 }] };
const mail = { confirmed: async () => {}, alert: async () => {} };

function build(capture: () => Promise<string>, notifier: any = mail) {
  const { sqlite, connect } = memory();
  const db = new Database(connect);
  const processor = new OrderProcessor(db, { capture } as any, notifier, quiet, async () => {});
  return { sqlite, processor, service: new OrderService(db, processor, quiet) };
}

test('an order is queued', async () => {
  const { service, processor } = build(async () => 'c-1');
  assert.equal((await service.processOrder(request)).status, 'queued');
  assert.ok(processor.knows('o-1'));
});

test('the worker confirms a queued order', async () => {
  const { service, sqlite } = build(async () => 'c-1');
  await service.processOrder(request);
  await new Promise((done) => setTimeout(done, 50));
  assert.equal(sqlite.prepare('SELECT status FROM orders').get()!.status, 'confirmed');
});

test('a failed capture is tried again', async () => {
  let calls = 0;
  const { service } = build(async () => {
    calls += 1;
    if (calls < 3) throw new Error('payments answered 503');
    return 'c-1';
  });
  await service.processOrder(request);
  await new Promise((done) => setTimeout(done, 50));
  assert.ok(calls >= 1);
});
