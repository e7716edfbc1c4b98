import { Connection, Database } from './database';
import { GatewayError, Notifier, PaymentGateway } from './gateways';
import { Log, OrderRequest, OutOfStockError } from './types';

const MAX_RETRIES = 3;
const BASE_DELAY_MS = 200;
const PARALLEL = 8;

interface Row {
  id: string;
  customer_id: string;
  amount_cents: number;
  status: string;
  request: string;
}

/** Works off the orders that are stored as unfinished. Each step is done once, however often an order is tried. */
export class OrderProcessor {
  private readonly pending: string[] = [];
  private readonly active = new Map<string, Promise<void>>();
  private running = true;

  constructor(
    private readonly db: Database,
    private readonly payments: PaymentGateway,
    private readonly notifier: Notifier,
    private readonly log: Log,
    private readonly sleep: (ms: number) => Promise<void>,
  ) {}

  get waiting(): number {
    return this.pending.length;
  }

  /** Take up what an earlier process has left. */
  async start(): Promise<void> {
    const { rows } = await this.db.query("SELECT id FROM orders WHERE status IN ('queued', 'reserved', 'captured')");
    for (const row of rows) this.wake(row.id);
  }

  wake(orderId: string): void {
    this.pending.push(orderId);
    this.fill();
  }

  /** Begin nothing new; return once what has begun is done or stored for the next process. */
  async stop(): Promise<void> {
    this.running = false;
    await Promise.allSettled(this.active.values());
  }

  private fill(): void {
    while (this.running && this.active.size < PARALLEL && this.pending.length > 0) {
      const orderId = this.pending.shift()!;
      const work = this.work(orderId)
        .catch((error) => this.log.error('order.left', { orderId, error: String(error) }))
        .finally(() => {
          this.active.delete(orderId);
          this.fill();
        });
      this.active.set(orderId, work);
    }
  }

  private async work(orderId: string): Promise<void> {
    for (let retry = 0; this.running || retry === 0; retry++) {
      try {
        await this.process(orderId);
        this.log.info('order.confirmed', { orderId, retry });
        return;
      } catch (error) {
        this.log.error('order.failed', { orderId, retry, error: String(error) });
        if (error instanceof OutOfStockError) return await this.giveUp(orderId, 'rejected');
        if (retry >= MAX_RETRIES && !(error instanceof GatewayError && error.status === 409)) {
          await this.giveUp(orderId, 'failed');
          await this.notifier.alert(orderId, String(error));
          return;
        }
        if (retry >= MAX_RETRIES) return; // somebody else has a capture under way: theirs to end, or for the next start
      }
      await this.sleep(BASE_DELAY_MS * 2 ** retry * (0.5 + Math.random() / 2));
    }
  }

  private async process(orderId: string): Promise<void> {
    await this.reserve(orderId);
    let row = await this.row(orderId);
    if (row.status === 'reserved') {
      const capture = { orderId, customerId: row.customer_id, amountCents: row.amount_cents };
      const captureId = await this.payments.capture(capture, { 'idempotency-key': orderId });
      await this.db.query("UPDATE orders SET status = 'captured', capture_id = ? WHERE id = ? AND status = 'reserved'", [captureId, orderId]);
      row = await this.row(orderId);
      if (row.status === 'failed') await this.notifier.alert(orderId, `paid (${captureId}) after it was given up: refund it`);
    }
    if (row.status === 'captured') {
      await this.notifier.confirmed(orderId, row.customer_id);
      await this.db.query("UPDATE orders SET status = 'confirmed' WHERE id = ? AND status = 'captured'", [orderId]);
    }
  }

  /** Take the units of an order that has none yet, all or nothing. */
  private reserve(orderId: string): Promise<void> {
    return this.db.transaction(async (tx) => {
      const mine = await tx.execute("UPDATE orders SET status = 'reserved' WHERE id = ? AND status = 'queued'", [orderId]);
      if (mine.changes === 0) return;
      for (const line of await lines(tx, orderId)) {
        const taken = await tx.execute('UPDATE inventory SET on_hand = on_hand - ? WHERE sku = ? AND on_hand >= ?', [
          line.quantity, line.sku, line.quantity,
        ]);
        if (taken.changes === 0) throw new OutOfStockError(line.sku);
      }
    });
  }

  /** End an order for good and put its units back; one whose money was taken is for the people on duty. */
  private giveUp(orderId: string, status: string): Promise<void> {
    return this.db.transaction(async (tx) => {
      const reserved = await tx.execute('UPDATE orders SET status = ? WHERE id = ? AND status = ?', [status, orderId, 'reserved']);
      if (reserved.changes === 0) {
        await tx.execute("UPDATE orders SET status = ? WHERE id = ? AND status = 'queued'", [status, orderId]);
        return;
      }
      for (const line of await lines(tx, orderId)) {
        await tx.execute('UPDATE inventory SET on_hand = on_hand + ? WHERE sku = ?', [line.quantity, line.sku]);
      }
    });
  }

  private async row(orderId: string): Promise<Row> {
    const { rows } = await this.db.query('SELECT * FROM orders WHERE id = ?', [orderId]);
    return rows[0] as Row;
  }
}

async function lines(tx: Connection, orderId: string): Promise<OrderRequest['lines']> {
  const { rows } = await tx.execute('SELECT request FROM orders WHERE id = ?', [orderId]);
  return JSON.parse(rows[0]!.request).lines;
}
