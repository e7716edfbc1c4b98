import { Database } from './database';
import { OrderProcessor } from './orderProcessor';
import { Log, OrderRequest, ValidationError } from './types';

/** Orders that may wait; above it the shop is asked to come back. At 40 orders a second this is about 25 seconds of work. */
const MAX_WAITING = 1_000;

export interface OrderResult {
  orderId: string;
  status: string;
}

/** Too many orders wait. */
export class BusyError extends Error {
  override name = 'BusyError';

  constructor() {
    super('too many orders are waiting; send the order again in a moment');
  }
}

export class OrderService {
  constructor(
    private readonly db: Database,
    private readonly processor: OrderProcessor,
    private readonly log: Log,
  ) {}

  /** Store the order, so that it outlives this process, then let the worker know. */
  async processOrder(request: OrderRequest): Promise<OrderResult> {
    validate(request);
    const { orderId, customerId } = request;
    if (this.processor.waiting >= MAX_WAITING) throw new BusyError();
    const amountCents = await this.price(request);
    const stored = await this.db.query(
      "INSERT INTO orders (id, customer_id, amount_cents, status, request) VALUES (?, ?, ?, 'queued', ?) ON CONFLICT (id) DO NOTHING",
      [orderId, customerId, amountCents, JSON.stringify(request)],
    );
    if (stored.changes === 0) return { orderId, status: await this.status(orderId) };
    this.processor.wake(orderId);
    this.log.info('order.queued', { orderId });
    return { orderId, status: 'queued' };
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
