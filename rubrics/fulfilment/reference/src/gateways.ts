/** The services that orders depend on. */
const PATIENCE_MS = 10_000;

export class GatewayError extends Error {
  override name = 'GatewayError';

  constructor(readonly service: string, readonly status: number) {
    super(`${service} answered ${status}`);
  }
}

export interface Capture {
  orderId: string;
  customerId: string;
  amountCents: number;
}

/** Answers 402 for a card that is declined, 409 for a capture that is under way; remembers an `idempotency-key` for 30 days. */
export class PaymentGateway {
  constructor(private readonly url = 'http://payments') {}

  async capture(capture: Capture, headers: Record<string, string> = {}): Promise<string> {
    const reply = await post('payments', `${this.url}/captures`, capture, headers);
    return (await reply.json()).captureId;
  }
}

export class Notifier {
  constructor(private readonly url = 'http://mail') {}

  async confirmed(orderId: string, customerId: string): Promise<void> {
    await post('mail', `${this.url}/messages`, { kind: 'confirmed', orderId, customerId });
  }

  /** Tell the people on duty. */
  async alert(orderId: string, reason: string): Promise<void> {
    await post('mail', `${this.url}/alerts`, { orderId, reason });
  }
}

async function post(service: string, url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const reply = await fetch(url, {
    method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!reply.ok) throw new GatewayError(service, reply.status);
  return reply;
}
