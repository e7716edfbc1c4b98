import assert from 'node:assert/strict';
import test from 'node:test';
import { Database } from '../src/database';
import { OrderService } from '../src/orderService';
import { memory, quiet } from './support';

test('an order is confirmed', async () => {
  const { sqlite, connect } = memory();
  const captured: unknown[] = [];
  const payments = { capture: async (capture: unknown) => (captured.push(capture), 'c-1') };
  const service = new OrderService(new Database(connect), payments as any, { confirmed: async () => {} } as any, quiet);
  const result = await service.processOrder({ orderId: 'o-1', customerId: 'c-1', lines: [{ sku: 'sku-1', quantity: 2, unitCents: 500 }] });
  assert.equal(result.status, 'confirmed');
  assert.deepEqual(captured, [{ orderId: 'o-1', customerId: 'c-1', amountCents: 1000 }]);
  assert.equal(sqlite.prepare('SELECT on_hand FROM inventory').get()!.on_hand, 8);
});
