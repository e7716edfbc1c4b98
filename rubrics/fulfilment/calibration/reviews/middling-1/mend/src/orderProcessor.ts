import { Database } from './database';
import { Notifier, PaymentGateway } from './gateways';
import { Log, OrderRequest } from './types';

const MAX_ATTEMPTS = 4;
const BASE_DELAY_MS = 200;

export interface Job {
  order: OrderRequest;
  amountCents: number;
  attempt: number;
  taken?: boolean;
}

/** Works off orders in the background; a failed one is tried again after a pause that grows. */
export class OrderProcessor {
  private readonly queue: Job[] = [];
  private readonly seen = new Set<string>();
  private scheduled = false;
  private running = true;

  constructor(
    private readonly db: Database,
    private readonly payments: PaymentGateway,
    private readonly notifier: Notifier,
    private readonly log: Log,
    private readonly sleep: (ms: number) => Promise<void>,
  ) {}

  knows(orderId: string): boolean {
    return this.seen.has(orderId);
  }

  enqueue(job: Job): void {
    this.seen.add(job.order.orderId);
    this.queue.push(job);
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(() => this.drain());
    }
  }

  async stop(): Promise<void> {
    this.running = false;
    this.queue.length = 0;
  }

  private drain(): void {
    this.scheduled = false;
    while (this.running && this.queue.length > 0) {
      void this.work(this.queue.shift()!);
    }
  }

  private async work(job: Job): Promise<void> {
    job.attempt += 1;
    try {
      await this.process(job);
      this.log.info('order.confirmed', { orderId: job.order.orderId, attempt: job.attempt });
    } catch (error) {
      this.log.error('order.failed', { orderId: job.order.orderId, attempt: job.attempt, error: String(error) });
      await this.retry(job, error as Error);
    }
  }

  private async process(job: Job): Promise<void> {
    const { order, amountCents } = job;
    const { orderId, customerId } = order;
    for (const line of job.taken ? [] : order.lines) {
      await this.db.query('UPDATE inventory SET on_hand = on_hand - ? WHERE sku = ?', [line.quantity, line.sku]);
    }
    job.taken = true;
    const captureId = await this.payments.capture({ orderId, customerId, amountCents });
    await this.db.query(
      "INSERT INTO orders (id, customer_id, amount_cents, status, capture_id) VALUES (?, ?, ?, 'confirmed', ?) " +
        'ON CONFLICT (id) DO UPDATE SET capture_id = excluded.capture_id',
      [orderId, customerId, amountCents, captureId],
    );
    await this.notifier.confirmed(orderId, customerId);
  }

  private async retry(job: Job, error: Error): Promise<void> {
    if (job.attempt >= MAX_ATTEMPTS) {
      await this.notifier.alert(job.order.orderId, error.message);
      return;
    }
    await this.sleep(BASE_DELAY_MS * 2 ** (job.attempt - 1));
    this.enqueue(job);
  }
}
