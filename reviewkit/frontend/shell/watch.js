const SOON_MS = 400; // while something waits to be sent
const LATER_MS = 5000; // while the intake gives no answer
const REST_MS = 30000; // when all is sent

/** Asks the server how sending to the intake stands, as often as there is something to learn. */
export class DeliveryWatch {
  constructor(store, server, record) {
    this.store = store;
    this.server = server;
    this.record = record;
    this.timer = null;
    this.asking = false;
    this.seen = -1;
    this.wait = SOON_MS;
    this.changed = () => {
      // Ask at once only when something new was recorded; our own answers change the store too.
      if (this.store.events.length === this.seen) return;
      this.seen = this.store.events.length;
      this.wait = SOON_MS;
      this.#later(SOON_MS);
    };
    store.on(this.changed);
    void this.ask();
  }

  #later(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), wait);
  }

  async ask(question = () => this.server.outbox(this.record)) {
    if (this.asking || this.timer === 0) return;
    this.asking = true;
    let delivery = this.store.delivery;
    let known = true;
    try {
      delivery = await question();
    } catch {
      known = false; // the server itself is gone: the first half of the line says so
    }
    this.asking = false;
    if (this.timer === 0) return;
    if (known && JSON.stringify(delivery) !== JSON.stringify(this.store.delivery)) {
      this.store.delivery = delivery;
      this.store.changed();
    }
    this.#later(this.#next(delivery));
  }

  #next(delivery) {
    if (!delivery) return REST_MS;
    const { events, state } = this.store;
    const done = delivery.phase === 'sent' && delivery.sent_n >= events.length && (!state.submitted || delivery.receipt);
    if (done) return REST_MS;
    if (delivery.phase === 'offline' || delivery.phase === 'refused') return LATER_MS;
    this.wait = Math.min(this.wait * 1.5, LATER_MS);
    return this.wait;
  }

  /** Try the intake again at once. */
  hurry() {
    this.wait = SOON_MS;
    return this.ask(() => this.server.hurry(this.record)).then(() => this.#later(SOON_MS));
  }

  dispose() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.store.off(this.changed);
  }
}
