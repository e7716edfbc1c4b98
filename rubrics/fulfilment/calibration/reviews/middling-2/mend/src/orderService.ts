import { Database } from './database';
import { OrderProcessor } from './orderProcessor';
import { Log, OrderRequest, OutOfStockError, ValidationError } from './types';

export interface OrderResult {
  orderId: string;
  status: string;
}

export class OrderService {
  constructor(
    private readonly db: Database,
    private readonly processor: OrderProcessor,
    private readonly log: Log,
  ) {}

  /** Check the order, hand it to the worker, and answer at once. */
  async processOrder(request: OrderRequest): Promise<OrderResult> {
    validate(request);
    const { orderId } = request;
    if (this.processor.knows(orderId)) return { orderId, status: 'queued' };
    await this.checkStock(request);
    let amountCents = 0;
    for (const line of request.lines) {
      const { rows } = await this.db.query('SELECT unit_cents FROM inventory WHERE sku = ?', [line.sku]);
      amountCents += rows[0]!.unit_cents * line.quantity;
    }
    this.processor.enqueue({ order: structuredClone(request), amountCents, attempt: 0 });
    this.log.info('order.queued', { orderId });
    return { orderId, status: 'queued' };
  }

  async status(orderId: string): Promise<string> {
    const { rows } = await this.db.query('SELECT status FROM orders WHERE id = ?', [orderId]);
    return rows[0]?.status ?? (this.processor.knows(orderId) ? 'queued' : 'unknown');
  }

  private async checkStock(request: OrderRequest): Promise<void> {
    for (const line of request.lines) {
      const { rows } = await this.db.query('SELECT on_hand FROM inventory WHERE sku = ?', [line.sku]);
      if (rows.length === 0) throw new ValidationError(`unknown product ${line.sku}`);
      if (rows[0].on_hand < line.quantity) throw new OutOfStockError(line.sku);
    }
  }
}

export function validate(request: OrderRequest): void {
  if (!request.orderId || !request.customerId) throw new ValidationError('an order needs an id and a customer');
  if (request.lines.length === 0) throw new ValidationError('an order needs a line');
  if (request.lines.some((line) => !Number.isInteger(line.quantity) || line.quantity < 1)) {
    throw new ValidationError('quantities are whole numbers from 1');
  }
}
