import { Database } from './database';
import { Notifier, PaymentGateway } from './gateways';
import { Log, OrderRequest, OutOfStockError, ValidationError } from './types';

export interface OrderResult {
  orderId: string;
  status: string;
}

export class OrderService {
  constructor(
    private readonly db: Database,
    private readonly payments: PaymentGateway,
    private readonly notifier: Notifier,
    private readonly log: Log,
  ) {}

  /** Take the units, take the money, store the order, tell the customer. */
  async processOrder(request: OrderRequest): Promise<OrderResult> {
    validate(request);
    const amountCents = await this.price(request);
    await this.db.transaction(async (tx) => {
      await tx.execute("INSERT INTO orders (id, customer_id, amount_cents, status) VALUES (?, ?, ?, 'confirmed')", [
        request.orderId, request.customerId, amountCents,
      ]);
      for (const line of request.lines) {
        const taken = await tx.execute('UPDATE inventory SET on_hand = on_hand - ? WHERE sku = ? AND on_hand >= ?', [
          line.quantity, line.sku, line.quantity,
        ]);
        if (taken.changes === 0) throw new OutOfStockError(line.sku);
      }
      const { orderId, customerId } = request;
      const captureId = await this.payments.capture({ orderId, customerId, amountCents }, { 'idempotency-key': orderId });
      await tx.execute('UPDATE orders SET capture_id = ? WHERE id = ?', [captureId, orderId]);
    });
    await this.notifier.confirmed(request.orderId, request.customerId);
    this.log.info('order.confirmed', { orderId: request.orderId });
    return { orderId: request.orderId, status: 'confirmed' };
  }

  async status(orderId: string): Promise<string> {
    const { rows } = await this.db.query('SELECT status FROM orders WHERE id = ?', [orderId]);
    return rows[0]?.status ?? 'unknown';
  }

  private async price(request: OrderRequest): Promise<number> {
    let total = 0;
    for (const line of request.lines) {
      const { rows } = await this.db.query('SELECT unit_cents FROM inventory WHERE sku = ?', [line.sku]);
      if (rows.length === 0) throw new ValidationError(`unknown product ${line.sku}`);
      total += rows[0].unit_cents * line.quantity;
    }
    return total;
  }
}

export function validate(request: OrderRequest): void {
  if (!request.orderId || !request.customerId) throw new ValidationError('an order needs an id and a customer');
  if (request.lines.length === 0) throw new ValidationError('an order needs a line');
  if (request.lines.some((line) => !Number.isInteger(line.quantity) || line.quantity < 1)) {
    throw new ValidationError('quantities are whole numbers from 1');
  }
}
