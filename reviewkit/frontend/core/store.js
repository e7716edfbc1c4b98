import { cleanEvents, fold } from './state.js';
import { Outbox } from './outbox.js';
import { randomId } from './dom.js';

const RETRY_FIRST_MS = 2000;
const RETRY_MAX_MS = 30000;

/** An answer that will not change by asking again; the operation is parked and shown. */
export class Refused extends Error {}

/**
 * What all forms of one record share: confirmed events, the outbox, and the state folded from both.
 *
 * Modes: `opening` (nothing known yet), `readonly` (no grant), `preview` (works, records nothing), `live`.
 */
export class Store {
  /** @param {Storage|null} storage */
  constructor(storage) {
    this.storage = storage;
    this.mode = 'opening';
    this.message = '';
    this.record = null;
    this.events = [];
    this.local = [];
    this.sent = [];
    this.problems = [];
    this.offline = false;
    this.fault = '';
    this.listeners = new Set();
    this.outbox = null;
    this.transport = null;
    this.clockOffset = 0;
    this.loaded = false; // the journal was read at least once
    this.terms = null; // what the candidate agrees to first; null without an invite
    this.delivery = null; // how sending to the intake stands; null where nothing is sent
    this.page = ''; // id of a browser that joined a shared document: begins what is made in it; empty for the candidate's own
    this.wait = RETRY_FIRST_MS;
    this.timer = null;
    this.flushing = null;
    this.cache = null;
  }

  on(listener) {
    this.listeners.add(listener);
  }

  off(listener) {
    this.listeners.delete(listener);
  }

  changed() {
    this.cache = null;
    for (const listener of [...this.listeners]) listener();
  }

  /** Show what a notebook carries without recording anything. */
  readonly(message, events) {
    this.mode = 'readonly';
    this.message = message;
    this.events = cleanEvents(events);
    this.outbox = null;
    this.transport = null;
    this.changed();
  }

  /** Work without recording: events live until the page is closed. */
  preview(record) {
    this.mode = 'preview';
    this.record = record;
    this.outbox = null;
    this.transport = null;
    this.changed();
  }

  /**
   * Start recording.
   * @param {string} record
   * @param {{load: (after: number) => Promise<{events: any[], problems?: any[]}>, send: (entry: any) => Promise<any>}} transport
   * @param {any[]} known events that the notebook carries
   * @param {{events: any[], problems?: any[]}|null} view what the journal holds, where that is known already
   */
  async live(record, transport, known = [], view = null) {
    this.record = record;
    this.transport = transport;
    this.outbox = new Outbox(record, this.storage);
    this.events = [];
    for (const entry of this.outbox.all())
      if (entry.parked) this.outbox.write(entry.key, { ...entry, parked: undefined });
    this.mode = 'live';
    if (view) this.#take(view);
    else {
      this.changed();
      await this.refresh();
    }
    this.resend(cleanEvents(known));
    await this.flush();
  }

  /** Put events back in the outbox that the notebook has and the journal lost (its folder was not copied along). */
  resend(known) {
    if (this.offline) return;
    const have = new Set([...this.events.map(event => event.op), ...this.outbox.all().map(entry => entry.op)]);
    for (const event of known) {
      if (typeof event.op !== 'string' || have.has(event.op)) continue;
      if (['probe.run', 'exercise.run', 'evidence.run'].includes(event.kind)) continue;
      this.outbox.put({ op: event.op, kind: event.kind, data: event.data, t: event.t });
    }
  }

  /** Events in order, unconfirmed ones last. */
  all() {
    const confirmed = new Set(this.events.map(event => event.op));
    const waiting = [...this.sent, ...(this.outbox?.all() ?? [])].filter(
      entry => !confirmed.has(entry.op) && !entry.parked
    );
    return [...this.events, ...this.local, ...waiting];
  }

  /** The folded state; the same object until something changes. */
  get state() {
    this.cache ??= fold(this.all());
    return this.cache;
  }

  /** Whether work may be recorded: there are no terms, or the candidate agreed to them. */
  get agreed() {
    return this.terms === null || this.state.agreed !== null;
  }

  /** How the record is doing, for people. */
  get status() {
    const entries = this.outbox?.all() ?? [];
    return {
      mode: this.mode,
      message: this.message,
      record: this.record,
      waiting: entries.filter(entry => !entry.parked).length + this.sent.length,
      parked: entries.filter(entry => entry.parked),
      offline: this.offline,
      fault: this.offline ? this.fault : '',
      full: this.outbox?.overflowing ?? false,
      recorded: this.events.length,
      problems: this.problems,
      clockOffset: this.clockOffset,
      loaded: this.loaded,
      terms: this.terms,
      delivery: this.delivery
    };
  }

  /**
   * Record an operation: outbox first, in this very tick, then the server.
   * @returns {string|null} id of the operation, null when nothing may be recorded
   */
  op(kind, data, op = (this.page && `${this.page}:`) + randomId(12)) {
    if (!this.agreed && kind !== 'consent.given') return null;
    const entry = { op, kind, data, t: new Date().toISOString() };
    if (this.mode === 'preview') this.local.push(entry);
    else if (this.mode === 'live') this.outbox.put(entry);
    else return null;
    this.changed();
    void this.flush();
    return op;
  }

  /** Send what waits. Calls made meanwhile join the running one. */
  flush() {
    if (this.mode !== 'live') return Promise.resolve();
    this.flushing ??= this.#sendAll().finally(() => {
      this.flushing = null;
      this.changed();
    });
    return this.flushing;
  }

  /** Flush and say whether everything is confirmed. */
  async settle() {
    for (let tries = 0; tries < 3 && this.status.waiting > 0; tries += 1) await this.flush();
    return this.status.waiting === 0 && this.status.parked.length === 0;
  }

  /** Try parked operations again. */
  retry() {
    for (const entry of this.outbox?.all() ?? [])
      if (entry.parked) this.outbox.write(entry.key, { ...entry, parked: undefined });
    this.wait = RETRY_FIRST_MS;
    return this.flush();
  }

  async #sendAll() {
    clearTimeout(this.timer);
    try {
      do {
        for (let entry = this.#next(); entry; entry = this.#next()) await this.#sendOne(entry);
        if (this.sent.length > 0) await this.#load();
      } while (this.#next()); // an operation made while the journal was read joined this run
      this.offline = false;
      this.wait = RETRY_FIRST_MS;
    } catch (error) {
      this.#later(error);
    }
  }

  #next() {
    return this.outbox.all().find(entry => !entry.parked);
  }

  async #sendOne(entry) {
    try {
      await this.transport.send(entry);
      this.outbox.drop(entry.key);
      this.sent.push(entry);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.outbox.write(entry.key, { ...entry, parked: error.message });
    }
    this.changed();
  }

  #later(error) {
    this.offline = true;
    this.fault = error instanceof Error ? error.message : '';
    this.timer = setTimeout(() => void this.flush().then(() => this.offline || this.refresh()), this.wait);
    this.wait = Math.min(this.wait * 1.6, RETRY_MAX_MS);
  }

  /** Fetch events that others made (the kernel, another tab). Failing is not fatal: it is tried again. */
  async refresh() {
    if (this.mode !== 'live') return;
    try {
      await this.#load();
      this.offline = false;
    } catch (error) {
      this.#later(error);
    }
    this.changed();
  }

  async #load() {
    this.#take(await this.transport.load(this.events.at(-1)?.seq ?? 0));
  }

  #take(answer) {
    this.loaded = true;
    this.problems = Array.isArray(answer.problems) ? answer.problems : [];
    this.adopt(answer.events, true);
  }

  /**
   * Take in confirmed events, whoever brings them; known ones are passed over.
   * @param {any} events
   * @param {boolean} [whole] they are all that the journal has: a number that is missing will not come any more. Otherwise a gap
   *   is left to the next refresh.
   */
  adopt(events, whole = false) {
    for (const event of cleanEvents(events)) {
      const last = this.events.at(-1)?.seq ?? 0;
      if (whole ? event.seq > last : event.seq === last + 1) this.events.push(event);
    }
    const confirmed = new Set(this.events.map(event => event.op));
    this.sent = this.sent.filter(entry => !confirmed.has(entry.op));
    for (const entry of this.outbox.all()) if (confirmed.has(entry.op)) this.outbox.drop(entry.key);
    this.changed();
  }

  close() {
    clearTimeout(this.timer);
    this.listeners.clear();
  }
}
