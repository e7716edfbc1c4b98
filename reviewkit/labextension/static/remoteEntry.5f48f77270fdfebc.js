// Container of a prebuilt JupyterLab extension, written by hand: no bundler is needed to install or change it.
(() => {
  'use strict';
  const SCRIPT_URL = document.currentScript.src;
  const CORE_URL = new URL('core.fc17c4bdf3bf7bee.js', SCRIPT_URL).href;
  let scope = null;

  /** A package that JupyterLab shares: the copy in use, because tokens must be the same objects as JupyterLab's. */
  async function shared(name) {
    const versions = Object.values(scope[name] ?? {});
    if (versions.length === 0) throw new Error(`reviewkit: ${name} is not provided`);
    return (await (versions.find(version => version.loaded) ?? versions[0]).get())();
  }

  let core = null;

/** The part that draws forms: fetched by the first notebook that may need it, and again if that failed. */
function loadCore() {
  core ??= import(CORE_URL).catch(error => {
    core = null;
    throw error;
  });
  return core;
}

/** The state of a review as a fold of its events. Events may come from a stranger's notebook: every value is coerced. */

const SEVERITIES = ['blocker', 'major', 'minor', 'nit'];
const JUDGEMENTS = ['true', 'false', 'not shown'];
const DECISIONS = ['approve', 'request changes', 'block'];
const TEXT_MAX = 100000;

/** A string of at most `max` characters; anything else is an empty string. */
function text(value, max = TEXT_MAX) {
  return typeof value === 'string' ? value.slice(0, max) : '';
}

/** A line number, or null. */
function lineNumber(value) {
  return Number.isInteger(value) && value > 0 && value < 1e7 ? value : null;
}

const asList = value => (Array.isArray(value) ? value : []);
const plain = value => (value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {});

/** A finding; its number counts all that were ever added, so that it stays when another is deleted. */
function putFinding(state, data, event) {
  const id = text(data.id, 80);
  const number = state.findings.get(id)?.number ?? (state.added += 1);
  state.findings.set(id, { ...finding(data, event), number });
}

function finding(data, event) {
  const line = lineNumber(data.line);
  return {
    id: text(data.id, 80),
    file: typeof data.file === 'string' ? text(data.file, 400) : null,
    side: data.side === 'L' ? 'L' : 'R',
    line,
    end_line: line === null ? null : Math.max(line, lineNumber(data.end_line) ?? line),
    severity: text(data.severity, 40),
    category: text(data.category, 40),
    body: text(data.body),
    why: text(data.why),
    fix: text(data.fix),
    after_exercises: data.after_exercises === true,
    t: text(event.t, 40)
  };
}

function exerciseOf(state, id) {
  const key = text(id, 80);
  if (!state.exercises.has(key)) state.exercises.set(key, { answer: null, files: new Map(), results: null });
  return state.exercises.get(key);
}

const APPLY = {
  'consent.given': (state, data, event) => (state.agreed ??= text(event.t, 40) || 'now'),
  'workbook.opened': (state, data, event) => (state.opened ??= text(event.t, 40)),
  'finding.added': putFinding,
  'finding.edited': putFinding,
  'finding.deleted': (state, data) => state.findings.delete(text(data.id, 80)),
  'claim.judged': (state, data) =>
    state.claims.set(text(data.claim, 80), { verdict: text(data.verdict, 40), why: text(data.why) }),
  'probe.run': (state, data) =>
    state.probes.set(text(data.probe, 80), { tree: text(data.tree, 40), verdict: text(data.verdict, 2000) }),
  'focus.ended': state => (state.followed = true),
  'document.shared': (state, data, event) => (state.shared ??= text(event.t, 40) || 'now'),
  'document.joined': (state, data) => state.joined.add(text(data.page, 16)),
  'review.closed': state => (state.closed = true),
  'exercise.answered': (state, data) => (exerciseOf(state, data.exercise).answer = plain(data.answer)),
  'exercise.edited': (state, data) =>
    exerciseOf(state, data.exercise).files.set(text(data.file, 400), text(data.text, 1e6)),
  'exercise.run': (state, data) => {
    exerciseOf(state, data.exercise).results = asList(data.results)
      .slice(0, 100)
      .map(row => ({ check: text(row?.check, 200), passed: row?.passed === true, seen: text(row?.seen, 2000) }));
  },
  'evidence.run': (state, data) =>
    state.evidence.set(text(data.id, 80), {
      finding: text(data.finding, 80),
      outcome: text(data.outcome, 40),
      seen: text(data.seen, 2000)
    }),
  'verdict.given': (state, data) =>
    (state.verdict = {
      decision: text(data.decision, 40),
      summary: text(data.summary),
      top: asList(data.top)
        .slice(0, 3)
        .map(id => text(id, 80))
    }),
  'workbook.submitted': (state, data, event) => (state.submitted = text(event.t, 40) || 'now')
};

/**
 * Fold events into a state.
 * @param {Array<{kind: string, data: any, t?: string}>} events in order
 */
function fold(events) {
  const state = {
    agreed: null,
    opened: null,
    followed: false,
    shared: null,
    joined: new Set(),
    closed: false,
    submitted: null,
    added: 0,
    findings: new Map(),
    claims: new Map(),
    probes: new Map(),
    exercises: new Map(),
    evidence: new Map(),
    verdict: null
  };
  for (const event of events) {
    const apply = Object.hasOwn(APPLY, event?.kind) ? APPLY[event.kind] : null;
    if (apply) apply(state, plain(event.data), event);
  }
  return state;
}

/** Events of a notebook's metadata that have the right shape; everything else is dropped. */
function cleanEvents(value, max = 20000) {
  return asList(value)
    .slice(0, max)
    .filter(
      event =>
        event !== null && typeof event === 'object' && typeof event.kind === 'string' && Number.isInteger(event.seq)
    )
    .sort((one, two) => one.seq - two.seq);
}

/**
 * Operations that the server or kernel has not confirmed yet, kept in the browser's localStorage.
 * One key per operation, so two tabs of the same record never overwrite each other.
 */
class Outbox {
  /**
   * @param {string} record
   * @param {Storage|null} storage null where the browser forbids it: operations are then kept in memory only
   */
  constructor(record, storage) {
    this.prefix = `reviewkit:${record}:`;
    this.storage = storage;
    this.memory = new Map();
    this.counter = 0;
  }

  /** All operations, oldest first: `{key, op, kind, data, t, parked}`. */
  all() {
    const entries = new Map(this.memory);
    for (let at = 0; at < (this.storage?.length ?? 0); at += 1) {
      const key = this.storage.key(at);
      if (!key?.startsWith(this.prefix) || entries.has(key)) continue;
      try {
        entries.set(key, JSON.parse(this.storage.getItem(key)));
      } catch {
        // A value that is not JSON was not written here; it is left alone.
      }
    }
    return [...entries].sort(([one], [two]) => (one < two ? -1 : 1)).map(([key, entry]) => ({ ...entry, key }));
  }

  /**
   * Store an operation at once.
   * @returns {boolean} false when the browser had no room and the operation lives in memory only
   */
  put(entry) {
    this.counter += 1;
    const key = `${this.prefix}${String(Date.now()).padStart(14, '0')}${String(this.counter % 1000).padStart(3, '0')}:${entry.op}`;
    return this.write(key, entry);
  }

  /** Write an entry under its key; see `put`. */
  write(key, entry) {
    const { key: _, ...value } = entry;
    try {
      this.storage.setItem(key, JSON.stringify(value));
      this.memory.delete(key);
      return true;
    } catch {
      this.memory.set(key, value);
      return false;
    }
  }

  /** Forget a confirmed operation. */
  drop(key) {
    this.memory.delete(key);
    this.storage?.removeItem(key);
  }

  /** Whether some operation could not be written to the browser's storage. */
  get overflowing() {
    return this.memory.size > 0;
  }
}

/** The browser's localStorage, or null where it is blocked. */
function localStore() {
  try {
    const probe = 'reviewkit-probe';
    localStorage.setItem(probe, '1');
    localStorage.removeItem(probe);
    return localStorage;
  } catch {
    return typeof localStorage === 'undefined' ? null : blocked();
  }
}

function blocked() {
  // A full storage still reads; a forbidden one throws on every touch.
  try {
    return localStorage.length >= 0 ? localStorage : null;
  } catch {
    return null;
  }
}

/** Small helpers that build DOM nodes. Text only ever becomes a text node, never markup. */

// Lumino looks for this attribute on the focused element itself; on an ancestor it comes too late,
// and JupyterLab's single-letter commands (insert, delete, convert a cell) would fire inside a form.
const QUIET = 'data-lm-suppress-shortcuts';

const FOCUSABLE = new Set(['button', 'input', 'select', 'textarea', 'summary', 'a']);
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden', 'selected', 'open', 'required', 'rows']);

/**
 * Build an element.
 * @param {string} tag
 * @param {Object<string, any>} [props] `class`, `on` (event → listener), properties, attributes; null and false are left out
 * @param {...(Node|string|null|undefined|false|Array)} children
 * @returns {any}
 */
function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  if (FOCUSABLE.has(tag) || 'tabindex' in props) node.setAttribute(QUIET, 'true');
  if (tag === 'button') node.type = 'button';
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') node.className = value;
    else if (name === 'on')
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (PROPERTIES.has(name)) node[name] = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

/** Append nodes and strings, flattening arrays and dropping empty values. */
function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child);
  }
  return node;
}

/** Replace all children of a node. */
function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

let counter = 0;

/** An id that is unique in this page, for labels and descriptions. */
function uid(prefix = 'rk') {
  counter += 1;
  return `${prefix}-${counter}-${Math.floor(performance.now())}`;
}

/** A random hexadecimal id. `crypto.randomUUID` is missing on plain http, so it is not used. */
function randomId(bytes = 8) {
  const raw = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(raw, value => value.toString(16).padStart(2, '0')).join('');
}

/** A labelled field: the label is a real `<label>` and errors are tied to the control. */
function field(label, control, { hint = '', wide = false } = {}) {
  const id = uid('rk-field');
  control.id = id;
  const error = h('div', { class: 'rk-error', id: `${id}-error` });
  const help = hint ? h('span', { class: 'rk-hint', id: `${id}-hint` }, hint) : null;
  if (help) control.setAttribute('aria-describedby', help.id);
  const node = h(
    'div',
    { class: wide ? 'rk-field rk-wide' : 'rk-field' },
    h('label', { for: id }, label, help && ' ', help),
    control,
    error
  );
  return {
    node,
    control,
    fail(message) {
      error.textContent = message;
      control.toggleAttribute('aria-invalid', Boolean(message));
      if (message) control.setAttribute('aria-invalid', 'true');
      const described = [help?.id, message ? error.id : null].filter(Boolean).join(' ');
      if (described) control.setAttribute('aria-describedby', described);
      else control.removeAttribute('aria-describedby');
    }
  };
}

/** A group of radio buttons drawn as one segmented control. */
function choices(legend, options, { value = null, onChange = () => {}, labelledby = null } = {}) {
  const name = uid('rk-choice');
  const inputs = options.map(option =>
    h('input', {
      type: 'radio',
      name,
      value: option.id,
      id: uid('rk-radio'),
      checked: option.id === value,
      on: { change: () => onChange(option.id) }
    })
  );
  const error = h('div', { class: 'rk-error', id: uid('rk-error') });
  const node = h(
    'fieldset',
    { class: 'rk-choices', 'aria-labelledby': labelledby },
    h('legend', { class: labelledby ? 'rk-vh' : 'rk-label' }, legend),
    h(
      'div',
      { class: 'rk-segments' },
      inputs.map((input, at) => [
        input,
        h('label', { for: input.id, class: options[at].class ?? '' }, options[at].label)
      ])
    ),
    error
  );
  return {
    node,
    inputs,
    get value() {
      return inputs.find(input => input.checked)?.value ?? null;
    },
    set value(next) {
      for (const input of inputs) input.checked = input.value === next;
    },
    fail(message) {
      error.textContent = message;
      for (const input of inputs) {
        if (message) input.setAttribute('aria-describedby', error.id);
        else input.removeAttribute('aria-describedby');
      }
    },
    focus: () => (inputs.find(input => input.checked) ?? inputs[0]).focus()
  };
}

/** Whether the key event asks to save what is being written. */
function isAccelEnter(event) {
  return event.key === 'Enter' && (event.ctrlKey || event.metaKey);
}

const RETRY_FIRST_MS = 2000;
const RETRY_MAX_MS = 30000;

/** An answer that will not change by asking again; the operation is parked and shown. */
class Refused extends Error {}

/**
 * What all forms of one record share: confirmed events, the outbox, and the state folded from both.
 *
 * Modes: `opening` (nothing known yet), `readonly` (no grant), `preview` (works, records nothing), `live`.
 */
class Store {
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

/** What the server wrote into the page for its scripts; null in a page without it. */
function pageConfig() {
  try {
    return JSON.parse(document.getElementById('jupyter-config-data').textContent);
  } catch {
    return null;
  }
}

/** Contents path of the notebook that an address leads to, in JupyterLab or Notebook 7; null for any other page. */
function pathInAddress(pathname, baseUrl) {
  if (!pathname.startsWith(baseUrl)) return null;
  const found = /^(?:(?:lab|doc)(?:\/workspaces\/[^/]+)?\/tree|notebooks)\/(.+\.ipynb)$/.exec(pathname.slice(baseUrl.length));
  try {
    return found && decodeURIComponent(found[1]);
  } catch {
    return null;
  }
}

/**
 * Grant and record of the notebook in the address, asked for as soon as this script runs: Jupyter then still loads its own
 * scripts, and both are there when the notebook is drawn. What is asked decides nothing; the server does, by the path.
 * @returns {{path: string, answer: Promise<any>}|null} `answer`: as of `Server.grant`, undefined where it is to be asked again
 */
function askEarly() {
  const config = pageConfig();
  const path = config && pathInAddress(location.pathname, config.baseUrl);
  if (path === null) return null;
  const url = new URL(`${config.baseUrl}reviewkit/api/grant?path=${encodeURIComponent(path)}`, location.href);
  const headers = config.token ? { Authorization: `token ${config.token}` } : {};
  const answer = fetch(url, { headers, cache: 'no-store' }).then(async given => {
    if (given.status === 404) return null;
    if (!given.ok) return undefined;
    void loadCore().catch(() => {}); // the first form asks again
    return given.json();
  });
  return { path, answer: answer.catch(() => undefined) };
}

let early = askEarly();

/** What was asked early for this path, once; undefined where it was not. */
function takeEarly(path) {
  const taken = early?.path === path ? early.answer : undefined;
  early = null;
  return taken;
}

const SOON_MS = 400; // while something waits to be sent
const LATER_MS = 5000; // while the intake gives no answer
const REST_MS = 30000; // when all is sent

/** Asks the server how sending to the intake stands, as often as there is something to learn. */
class DeliveryWatch {
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

const LOAD = "get_ipython().extension_manager.load_extension('reviewkit.workbook')";

/**
 * Makes `rk` known in the kernel of a granted workbook before its first cell, and again after each restart. The code is ours,
 * never the notebook's, and nothing in a notebook leads here.
 */
class KernelReady {
  /** @param {any} sessionContext of the notebook panel */
  constructor(sessionContext) {
    this.session = sessionContext;
    this.done = null;
    this.fresh = () => {
      this.done = null;
      this.load();
    };
    this.status = (_, status) => {
      if (status === 'restarting' || status === 'autorestarting') this.done = null;
      else if (status === 'idle') this.load();
    };
    sessionContext.kernelChanged.connect(this.fresh);
    sessionContext.statusChanged.connect(this.status);
    this.load();
  }

  /** Send it once per kernel process; cells that are run afterwards wait behind it. */
  load() {
    const kernel = this.session.session?.kernel;
    if (!kernel || this.done === kernel.id || kernel.name !== 'python3') return;
    this.done = kernel.id;
    kernel.requestExecute({ code: LOAD, silent: true, store_history: false, stop_on_error: false }, true).done.catch(() => {
      this.done = null; // the kernel went away meanwhile; its successor is told again
    });
  }

  dispose() {
    this.session.kernelChanged.disconnect(this.fresh);
    this.session.statusChanged.disconnect(this.status);
  }
}

const PAUSE_MS = 2000;
const LONGEST_MS = 15000;
const HEADER = /^%%mend[ \t]+(\S+)[ \t]+(\S+)[ \t]*(?:\n|$)/;

/** Text of the file in a mend cell: what the kernel gets as the body of the magic. */
function mendText(source) {
  const body = source.replace(HEADER, '');
  return body === '' || body.endsWith('\n') ? body : `${body}\n`;
}

/** SHA-256 in hex, or null on plain http, where browsers hide it. */
async function digest(source) {
  if (!globalThis.crypto?.subtle) return null;
  const raw = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(source));
  return Array.from(new Uint8Array(raw), value => value.toString(16).padStart(2, '0')).join('');
}

/**
 * Watches the cells that hold files of a mend and records them when the writer pauses.
 * Edits made before the exercises opened are recorded when they open.
 */
class MendWatch {
  constructor(workbook) {
    this.workbook = workbook;
    this.watched = new Map();
    this.edited = new Map();
    // Of a shared document only pages in which the exercises opened have something to make up for, not one that joins later.
    this.isReady = workbook.together === null;
    this.list = workbook.panel.content.model.cells;
    this.rescan = () => this.scan();
    this.list.changed.connect(this.rescan);
    this.opened = () => {
      if (!this.isReady) return;
      if (this.workbook.store.state.closed && !this.wasClosed) {
        this.wasClosed = true;
        this.flush(this.workbook.together ? 'early' : null);
      }
    };
    workbook.store.on(this.opened);
  }

  /** Find mend cells and follow their text. */
  scan() {
    for (const cell of this.list) {
      const mark = cell.getMetadata('reviewkit');
      if (typeof mark?.mend !== 'string' || typeof mark?.file !== 'string' || this.watched.has(cell)) continue;
      const item = { cell, exercise: mark.mend, file: mark.file, timer: null, since: null, typed: false };
      item.changed = () => this.#touched(item);
      cell.contentChanged.connect(item.changed);
      this.watched.set(cell, item);
      void this.#compare(item);
    }
    if (!this.isReady && this.workbook.store.loaded) {
      this.isReady = true;
      this.wasClosed = this.workbook.store.state.closed;
    }
    this.opened();
  }

  #touched(item) {
    item.since ??= Date.now();
    item.typed ||= this.workbook.together?.isTyping(item.cell.id) ?? false;
    clearTimeout(item.timer);
    const wait = Math.max(0, Math.min(PAUSE_MS, item.since + LONGEST_MS - Date.now()));
    item.timer = setTimeout(() => this.#record(item), wait);
  }

  /** Whether the cell differs from the start that the grant names; unknown counts as what the record says. */
  async #compare(item) {
    const start = this.workbook.grant?.cells?.[item.cell.id];
    const now = start ? await digest(item.cell.sharedModel.getSource()) : null;
    const recorded = this.workbook.store.state.exercises.get(item.exercise)?.files.has(item.file) ?? false;
    const differs = now === null ? recorded : now !== start;
    this.edited.set(`${item.exercise} ${item.file}`, differs);
    this.workbook.store.changed();
    return differs;
  }

  async #record(item) {
    clearTimeout(item.timer);
    item.timer = null;
    item.since = null;
    const { store, together } = this.workbook;
    const isOurs = !together || item.typed; // another page records what was typed there; the flush before submitting misses nothing
    item.typed = false;
    const differs = await this.#compare(item);
    if (!this.#mayRecord()) return;
    const text = mendText(item.cell.sharedModel.getSource());
    if (!isOurs) return;
    const before = store.state.exercises.get(item.exercise)?.files.get(item.file);
    if (before === undefined ? differs : before !== text) this.#send(item, text);
  }

  #mayRecord() {
    const { state, mode } = this.workbook.store;
    return mode === 'live' && state.closed && !state.submitted;
  }

  #send(item, text, op = undefined) {
    this.workbook.store.op('exercise.edited', { exercise: item.exercise, file: item.file, text }, op);
  }

  /**
   * Record at once what has changed; called before a submission and when the exercises open.
   * @param {string|null} [name] several pages do this at the same time: it makes theirs one event
   */
  flush(name = null) {
    for (const item of this.watched.values()) {
      const pending = item.timer !== null;
      clearTimeout(item.timer);
      item.timer = null;
      item.since = null;
      if (!this.#mayRecord()) continue;
      const text = mendText(item.cell.sharedModel.getSource());
      const before = this.workbook.store.state.exercises.get(item.exercise)?.files.get(item.file);
      const differs = pending || this.edited.get(`${item.exercise} ${item.file}`);
      if (before === undefined ? differs : before !== text) this.#send(item, text, name ? `${name}-${item.cell.id}`.slice(0, 80) : undefined);
    }
  }

  dispose() {
    this.workbook.store.off(this.opened);
    this.list.changed.disconnect(this.rescan);
    for (const item of this.watched.values()) {
      clearTimeout(item.timer);
      item.cell.contentChanged.disconnect(item.changed);
    }
  }
}

const INPUTS = ['input', 'keydown', 'paste', 'drop', 'cut'];
const JUST_MS = 1000;

/**
 * A workbook that several people have open as one shared document (jupyter-collaboration). The record lives on the server; what
 * another page recorded is fetched when the copy in the shared metadata changes. Only made for granted workbooks.
 */
class Together {
  constructor(workbook) {
    this.workbook = workbook;
    this.model = workbook.panel.context.model;
    this.cells = this.model.cells;
    this.told = (_, change) => change.key === 'reviewkit' && workbook.refreshSoon();
    // Whether an output may be drawn is each page's own, so a guest would see text in place of plots and plain forms. The grant
    // says that this server made the workbook, and who joins may run code here anyway.
    this.trust = () => {
      for (const cell of this.cells) if (cell.type === 'code' && !cell.trusted) cell.trusted = true;
    };
    this.typed = { cell: null, at: 0 };
    this.input = ({ target }) => {
      const found = workbook.panel.content.widgets.find(one => one.node.contains(target));
      if (found) this.typed = { cell: found.model.id, at: Date.now() };
    };
    for (const kind of INPUTS) workbook.panel.node.addEventListener(kind, this.input, true);
    this.model.metadataChanged.connect(this.told);
    this.cells.changed.connect(this.trust);
    this.trust();
  }

  /** Whether it is the person at this page who just typed in a cell: the others' pages see the same change, and must not record it too. */
  isTyping(cell) {
    return this.typed.cell === cell && Date.now() - this.typed.at < JUST_MS;
  }

  dispose() {
    for (const kind of INPUTS) this.workbook.panel.node.removeEventListener(kind, this.input, true);
    this.model.metadataChanged.disconnect(this.told);
    this.cells.changed.disconnect(this.trust);
  }
}

/** Offer a JSON file for download. */
function saveFile(name, value) {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: 'application/json' }));
  const link = h('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const MIME = 'application/vnd.reviewkit.form+json';
const SAVE_MS = 400;
const REFRESH_MS = 300;
const ASK_AGAIN_MS = 3000;
const OWN = 'own';

/**
 * One open notebook: its grant, the store that its forms share, and the copy of the record in its metadata.
 * Nothing in the notebook decides what may be recorded; only the server's grant for its path does.
 */
class Workbook {
  constructor(panel, hub) {
    this.panel = panel;
    this.hub = hub;
    this.store = new Store(localStore());
    this.grant = null;
    this.mends = null;
    this.watch = null;
    this.together = null; // where the notebook is a shared document
    this.kernel = null;
    this.saveTimer = null;
    this.refreshTimer = null;
    this.saving = null;
    this.mirrored = -1;
    this.forms = new Set();
    this.bar = null; // the line above the notebook, made with the first form
    this.changed = () => this.#mirror();
    this.store.on(this.changed);
    panel.disposed.connect(() => this.dispose());
  }

  /** Begin once the application plugin is there and the notebook is loaded. */
  async start() {
    const { context } = this.panel;
    // Neither waits for the notebook's text: by the time that its forms are drawn, both are there.
    void loadCore().catch(() => {}); // the first form asks again
    const path = context.localPath;
    const asked = takeEarly(path);
    const early = (asked ?? Promise.resolve(undefined)).then(given => given ?? (given === null ? null : this.hub.server.grant(path)));
    early.catch(() => {}); // asked again below
    await context.ready;
    context.pathChanged.connect(() => void this.#bind());
    this.panel.sessionContext.statusChanged.connect((_, status) => status === 'idle' && this.refreshSoon());
    this.seen = () => document.visibilityState === 'visible' && this.refreshSoon();
    document.addEventListener('visibilitychange', this.seen);
    // Another tab of the same record had an operation confirmed.
    this.stored = event =>
      event.newValue === null && event.key?.startsWith(this.store.outbox?.prefix ?? '\0') && this.refreshSoon();
    window.addEventListener('storage', this.stored);
    this.left = event => this.#leave(event);
    this.panel.node.addEventListener('keydown', this.left);
    const granted = await early.catch(() => undefined);
    await this.#bind(context.localPath === path ? granted : undefined);
    if (asked) this.refreshSoon(); // what was asked early may be seconds old
  }

  /** Esc that no form used goes back to the notebook, so that its cells can be reached without a mouse. */
  #leave(event) {
    if (event.key !== 'Escape' || event.defaultPrevented || !event.target.closest?.('.rk-root')) return;
    const { content } = this.panel;
    const at = content.widgets.findIndex(cell => cell.node.contains(event.target));
    if (at < 0) return;
    event.preventDefault();
    content.activeCellIndex = at;
    content.mode = 'command';
    content.activate();
    content.widgets[at].node.focus?.();
    if (document.activeElement?.closest('.rk-root')) content.node.focus();
  }

  get metadata() {
    const value = this.panel.context.model?.getMetadata('reviewkit');
    return value !== null && typeof value === 'object' ? value : {};
  }

  get isOurs() {
    return this.forms.size > 0 || 'slug' in this.metadata;
  }

  /** Ask what may be recorded here, unless the answer (null: nothing) is already known. */
  async #bind(granted = undefined) {
    const { context } = this.panel;
    const events = this.metadata.record?.events ?? [];
    let answer = granted;
    try {
      if (answer === undefined) answer = await this.hub.server.grant(context.localPath);
    } catch {
      if (this.panel.isDisposed) return;
      this.store.readonly(this.hub.t('No answer from the server yet; nothing can be recorded. Trying again…'), events);
      setTimeout(() => this.panel.isDisposed || void this.#bind(), ASK_AGAIN_MS);
      return;
    }
    if (this.panel.isDisposed) return;
    const { view = null, ...grant } = answer ?? {};
    this.grant = answer && grant;
    if (!answer) {
      this.store.readonly(
        this.hub.t(
          'Read only: this notebook was not opened by reviewkit here, so nothing in it is recorded. Open it again from its own link.'
        ),
        events
      );
      return;
    }
    // Kernels of `reviewkit open` know `rk` from their start; those of a server that somebody else runs are told.
    if (grant.terms) this.kernel ??= new KernelReady(this.panel.sessionContext);
    if (grant.preview) return this.store.preview(grant.record);
    this.store.terms = grant.terms ?? null;
    const known = this.metadata.record?.id === grant.record ? events : [];
    if (context.model.collaborative) this.together ??= new Together(this);
    this.mends?.dispose();
    this.mends = new MendWatch(this);
    if (known.length === 0) this.mirrored = 0; // nothing was recorded yet: there is nothing to write into the notebook
    await this.store.live(grant.record, this.hub.server.transport(grant.record), known, view);
    this.#join();
    this.watch?.dispose();
    this.watch = grant.terms?.intake ? new DeliveryWatch(this.store, this.hub.server, grant.record) : null;
    this.#opened();
    this.mends.scan();
  }

  /**
   * Of a shared document, tell the browser in which the candidate began from one that joins later. Who uses it is only what
   * Jupyter calls them.
   */
  #join() {
    const { store, grant } = this;
    if (!this.together || !store.loaded || store.state.submitted) return;
    const key = `reviewkit-page:${grant.record}`;
    const known = store.storage?.getItem(key) ?? (store.state.agreed ? randomId(5) : OWN);
    try {
      store.storage?.setItem(key, known);
    } catch {
      // A browser that keeps nothing joins anew with each page.
    }
    if (known === OWN) return;
    store.page = known;
    const name = this.hub.app.serviceManager?.user?.identity?.display_name ?? '';
    if (!store.state.joined.has(known)) store.op('document.joined', { page: known, name: String(name).slice(0, 80) }, `joined-${known}`);
  }

  /** Note once that the workbook was opened: the clock runs from here, so it waits until the candidate has agreed. */
  #opened() {
    const { store, grant } = this;
    if (store.mode !== 'live' || !store.agreed || store.record !== grant?.record || store.state.opened) return;
    const client = `${this.hub.app.name} ${this.hub.app.version}`;
    // The fixed id makes it one event however many tabs open at once.
    store.op(
      'workbook.opened',
      { slug: grant.slug, version: grant.version, client, ...(grant.files?.length ? { files: grant.files } : {}) },
      `opened-${grant.record}`.slice(0, 80)
    );
  }

  /** Fetch the kernel's events soon; a burst of signals makes one request. */
  refreshSoon() {
    this.refreshTimer ??= setTimeout(() => {
      this.refreshTimer = null;
      void this.store.refresh();
    }, REFRESH_MS);
  }

  /** Copy the record into the notebook and save it; throttled, because a debounce never fires in a burst. */
  #mirror() {
    this.store.clockOffset = this.hub.server?.clockOffset ?? 0;
    if (this.store.terms && this.store.agreed) this.#opened();
    if (this.store.mode !== 'live' || this.store.events.length === this.mirrored) return;
    if (this.store.offline) return; // each try would end in a dialog of Jupyter's; the server's return makes the next
    this.saveTimer ??= setTimeout(() => {
      this.saveTimer = null;
      void this.save();
    }, SAVE_MS);
  }

  #write() {
    const { events } = this.store;
    if (this.store.mode !== 'live' || events.length === this.mirrored) return;
    const { record, slug, version, candidate } = this.grant;
    const head = events.at(-1)?.hash ?? '0'.repeat(64);
    if (this.together) {
      // Another page writes the same copy: one that holds as much is left alone, one that holds more is not cut back.
      const there = this.metadata.record;
      if (there?.id === record && there.count > events.length) return this.refreshSoon();
      if (there?.id === record && there.head === head) {
        this.mirrored = events.length;
        return;
      }
    }
    this.mirrored = events.length;
    const value = {
      ...this.metadata,
      schema: 1,
      slug,
      version,
      record: { id: record, candidate, head, count: events.length, events }
    };
    // A copy: what the model holds must not change with the store.
    this.panel.context.model.setMetadata('reviewkit', JSON.parse(JSON.stringify(value)));
  }

  /**
   * Write the record into the notebook and save the file; one save at a time.
   * @returns {Promise<boolean>} whether it was saved
   */
  async save() {
    while (this.saving) await this.saving;
    if (this.panel.isDisposed) return false;
    this.#write();
    if (this.together) return true; // the server saves a shared document by itself; a page that did would find the file changed
    this.saving = this.panel.context.save().then(
      () => true,
      () => false
    );
    const done = await this.saving;
    this.saving = null;
    if (!done) this.mirrored = -1;
    return done;
  }

  /** Flush, record the submission, write it into the notebook, save; says in one line what happened. */
  async submit() {
    const { t } = this.hub;
    if (this.store.mode === 'preview') {
      this.store.op('workbook.submitted', {});
      return t('Preview: nothing was recorded or submitted.');
    }
    this.mends?.flush();
    this.store.op('workbook.submitted', {});
    const sent = await this.store.settle();
    const saved = await this.save();
    if (sent && this.grant?.terms) return ''; // the form says how it is handed in, as that goes on
    if (sent && saved) return t('Submitted. The notebook file is saved and carries all of your answers.');
    if (sent)
      return t(
        'Submitted and recorded, but the notebook file could not be saved. Save it with Ctrl+S, or download your answers.'
      );
    return t(
      'Not sent yet: your work is kept in this browser and is sent as soon as the server answers. Download your answers to be safe.'
    );
  }

  /** Hand the candidate a file with all that was recorded, and what still waits. */
  download() {
    const events = this.store.events;
    const {
      slug = this.metadata.slug ?? 'workbook',
      version = this.metadata.version ?? '',
      record = this.metadata.record?.id ?? '',
      candidate = ''
    } = this.grant ?? {};
    const waiting = this.store.all().filter(event => !event.seq);
    saveFile(`${slug}-answers.json`, {
      schema: 1,
      slug,
      version,
      record: { id: record, candidate, head: events.at(-1)?.hash ?? '0'.repeat(64), count: events.length, events },
      not_sent: [...waiting, ...this.store.status.parked]
    });
  }

  /** Hand the candidate the completed notebook as a file: the way to hand in without a network. */
  async notebook() {
    await this.save();
    const { slug, record } = this.grant ?? { slug: this.metadata.slug ?? 'workbook', record: '' };
    saveFile(`${slug}-${record}.ipynb`, this.panel.context.model.toJSON());
  }

  /** Try everything again that waits, here and on the way to the intake. */
  retry() {
    void this.watch?.hurry();
    return this.store.retry();
  }

  /** Specifications of all forms that the notebook holds. */
  formSpecs() {
    const specs = [];
    for (const cell of this.panel.content?.model?.cells ?? []) {
      if (cell.type !== 'code') continue;
      for (let at = 0; at < cell.outputs.length; at += 1) {
        const spec = cell.outputs.get(at).data[MIME];
        if (spec !== null && typeof spec === 'object') specs.push(spec);
      }
    }
    return specs;
  }

  /** Whether others can join: the notebook is a shared document. */
  get canJoin() {
    return this.together !== null;
  }

  /** A link with which somebody else has this very notebook open, in a workspace of their own, and what is to be said of it. */
  joinLink() {
    const { baseUrl, token } = this.hub.server.settings;
    const path = this.panel.context.localPath.split('/').map(encodeURIComponent).join('/');
    const place = this.hub.app.name.includes('Notebook') ? `notebooks/${path}` : `doc/workspaces/rk-join-${randomId(6)}/tree/${path}`;
    const link = new URL(place, new URL(baseUrl, location.href));
    if (token) link.searchParams.set('token', token);
    return { link: link.href, guarded: Boolean(token), local: /^(localhost|127\..*|\[::1\])$/.test(link.hostname) };
  }

  /** Open the list of what was recorded, in its form. */
  showRecord() {
    const form = [...this.forms].find(output => output.spec?.form === 'status');
    const list = form?.node.querySelector('.rk-record');
    if (!list) return;
    list.open = true;
    form.node.scrollIntoView({ block: 'nearest' });
    list.querySelector('summary').focus();
  }

  /** Run the cell that shows a form. */
  async run(node) {
    const notebook = this.panel.content;
    const at = notebook.widgets.findIndex(cell => cell.node.contains(node));
    if (at < 0) return;
    this.hub.focusAfterRun = { cell: notebook.widgets[at].model.id, until: Date.now() + 120000 };
    this.kernel?.load();
    notebook.deselectAll();
    notebook.activeCellIndex = at;
    await this.hub.NotebookActions.run(notebook, this.panel.sessionContext);
    await this.store.refresh();
  }

  dispose() {
    clearTimeout(this.saveTimer);
    clearTimeout(this.refreshTimer);
    if (this.seen) document.removeEventListener('visibilitychange', this.seen);
    if (this.stored) window.removeEventListener('storage', this.stored);
    this.mends?.dispose();
    this.watch?.dispose();
    this.together?.dispose();
    this.kernel?.dispose();
    this.bar?.dispose();
    this.store.close();
    this.hub.workbooks.delete(this.panel);
  }
}

/** What both plugins share: one workbook per notebook panel, and the services that the application plugin brings. */
class Hub {
  constructor() {
    this.workbooks = new Map();
    this.waiting = [];
    this.ready = false;
    this.strings = null;
    this.settings = { view: 'unified', singleKeys: true };
    this.focusAfterRun = null;
    this.t = (source, ...values) => this.strings?.__(source, ...values) ?? source;
  }

  /** The workbook of a panel, made on first use. */
  of(panel) {
    let workbook = this.workbooks.get(panel);
    if (!workbook) {
      workbook = new Workbook(panel, this);
      this.workbooks.set(panel, workbook);
      if (this.ready) void workbook.start();
    }
    return workbook;
  }

  /** The application plugin is there: start what forms asked for before. */
  open(services) {
    Object.assign(this, services, { ready: true });
    for (const workbook of this.workbooks.values()) void workbook.start();
  }
}

const hub = new Hub();

// Below the -10 of ipywidgets: where an output carries both, the form is drawn from its data and needs no kernel.
const RANK = -20;

/** The notebook panel that a widget lies in, or null (a mirrored output, a console). */
function panelOf(widget) {
  for (let at = widget.parent; at; at = at.parent) if (at.context && at.content?.model && at.sessionContext) return at;
  return null;
}

function detached() {
  const store = new Store(null);
  store.readonly(hub.t('Read only: open the notebook itself to work on this form.'), []);
  return {
    store,
    edited: null,
    formSpecs: () => [],
    forms: new Set(),
    save() {},
    download() {},
    submit: async () => '',
    notebook() {},
    retry() {},
    run() {}
  };
}

/** What a form sees of the record. */
function modelOf(workbook, node, spec) {
  const acts = {
    run: () => workbook.run(node),
    save: () => workbook.save(),
    submit: () => workbook.submit(),
    download: () => workbook.download(),
    notebook: () => workbook.notebook(),
    join: () => workbook.joinLink(),
    'show-record': () => workbook.showRecord(),
    retry: () => workbook.retry()
  };
  return {
    get(key) {
      if (key === 'spec') return spec;
      if (key === 'state') return workbook.store.state;
      if (key === 'status') return workbook.store.status;
      if (key === 'events') return workbook.store.all();
      if (key === 'forms') return workbook.formSpecs();
      if (key === 'edited') return workbook.mends?.edited ?? null;
      return undefined;
    },
    on: listener => workbook.store.on(listener),
    off: listener => workbook.store.off(listener),
    op: (kind, data, id) => workbook.store.op(kind, data, id),
    act: name => acts[name]?.(),
    can: name => {
      if (name === 'join') return workbook.canJoin === true;
      return name !== 'run' || (workbook.store.mode !== 'readonly' && workbook.panel !== undefined);
    }
  };
}

/** The plugin that draws outputs of our MIME type. It runs no code of the notebook, so it is `safe` and needs no trust. */
async function rendererPlugin() {
  const { Widget } = await shared('@lumino/widgets');

  /** The line above the notebook that says how the record stands; in sight in JupyterLab and in Notebook 7, at any width. */
  function putBar(workbook, render) {
    const header = workbook.panel?.contentHeader;
    if (!header || workbook.bar) return;
    const place = new Widget();
    place.addClass('rk-bar-place');
    const minutes = workbook.formSpecs().find(spec => spec.form === 'status')?.minutes;
    const spec = { schema: 1, form: 'bar', minutes: Number.isInteger(minutes) ? minutes : null };
    const form = render({ model: modelOf(workbook, place.node, spec), el: place.node, env: { strings: hub.strings } });
    // Its height depends on the window's width (core.css), which a layout of Lumino looks at only when told.
    const widths = [matchMedia('(max-width: 950px)'), matchMedia('(max-width: 1250px)')];
    const fit = () => header.fit();
    for (const width of widths) width.addEventListener('change', fit);
    workbook.store.on(fit); // whether it says who follows
    place.disposed.connect(() => {
      for (const width of widths) width.removeEventListener('change', fit);
      workbook.store.off(fit);
      form.dispose();
    });
    workbook.bar = place;
    header.addWidget(place);
  }

  class FormOutput extends Widget {
    constructor() {
      super();
      this.addClass('rk-root');
      this.addClass('jp-RenderedReviewkitForm');
      this.spec = null;
      this.form = null;
    }

    async renderModel(model) {
      const spec = model.data[MIME];
      // A redraw with the same data (another client saved) must not throw away what is being written.
      if (this.form && JSON.stringify(spec) === JSON.stringify(this.spec)) return;
      this.spec = spec;
      if (this.isAttached) await this.draw();
    }

    onAfterAttach(message) {
      super.onAfterAttach(message);
      if (!this.form) void this.draw();
    }

    async draw() {
      const { render } = await loadCore();
      if (this.isDisposed || !this.isAttached || this.spec === null) return;
      this.form?.dispose();
      const panel = panelOf(this);
      this.workbook?.forms.delete(this);
      this.workbook = panel ? hub.of(panel) : detached();
      this.workbook.forms.add(this);
      this.node.closest('.jp-CodeCell')?.classList.add('rk-form-cell');
      putBar(this.workbook, render);
      const env = { strings: hub.strings, ...hub.settings, spoken: !this.workbook.bar };
      this.form = render({ model: modelOf(this.workbook, this.node, this.spec), el: this.node, env });
      this.#focusAgain();
    }

    /** Running a cell redraws its form; someone who pressed its button by keyboard must not lose the place. */
    #focusAgain() {
      const asked = hub.focusAfterRun;
      if (!asked || Date.now() > asked.until) return;
      const cell = this.workbook.panel?.content.widgets.find(one => one.node.contains(this.node));
      if (cell?.model.id !== asked.cell) return;
      hub.focusAfterRun = null;
      this.node.querySelector('.rk-primary')?.focus({ preventScroll: true });
    }

    dispose() {
      if (this.isDisposed) return;
      this.form?.dispose();
      this.workbook?.forms.delete(this);
      super.dispose();
    }
  }

  return {
    id: 'reviewkit:renderer',
    description: 'Draws the forms of a code-review workbook.',
    rank: RANK,
    dataType: 'json',
    rendererFactory: { safe: true, mimeTypes: [MIME], defaultRank: RANK, createRenderer: () => new FormOutput() }
  };
}

const KEEPALIVE_MAX = 60000; // bytes; above 64 KiB a keepalive request fails at once

/** Requests to our own routes, with the login and XSRF token of JupyterLab. */
class Server {
  /** @param {any} ServerConnection of @jupyterlab/services */
  constructor(ServerConnection) {
    this.connection = ServerConnection;
    this.settings = ServerConnection.makeSettings();
    this.clockOffset = 0;
  }

  async #ask(route, init = {}) {
    const url = new URL(`reviewkit/api/${route}`, new URL(this.settings.baseUrl, location.href)).href;
    const answer = await this.connection.makeRequest(url, init, this.settings);
    const date = Date.parse(answer.headers.get('Date') ?? '');
    if (!Number.isNaN(date)) this.clockOffset = Math.abs(date - Date.now()) > 5000 ? date - Date.now() : 0;
    return answer;
  }

  /**
   * The grant of a notebook; null when it has none.
   * @throws when the server gives no answer
   */
  async grant(path) {
    const answer = await this.#ask(`grant?path=${encodeURIComponent(path)}`);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(await messageOf(answer));
    return answer.json();
  }

  /** How sending to the intake stands; null where nothing is sent. */
  async outbox(record) {
    const answer = await this.#ask(`outbox/${encodeURIComponent(record)}`);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(await messageOf(answer));
    return answer.json();
  }

  /** Let the server try the intake again at once. */
  async hurry(record) {
    const init = { method: 'POST', body: '{}' };
    const answer = await this.#ask(`outbox/${encodeURIComponent(record)}`, init);
    if (!answer.ok) throw new Error(await messageOf(answer));
    return answer.json();
  }

  /** Open the hiring desk; its contents path. */
  async desk() {
    const answer = await this.#ask('desk', { method: 'POST', body: '{}' });
    if (!answer.ok) throw new Error(await messageOf(answer));
    return (await answer.json()).path;
  }

  /** How a store reads and writes one record. */
  transport(record) {
    return {
      load: async after => {
        const answer = await this.#ask(`record/${encodeURIComponent(record)}?after=${after}`);
        if (!answer.ok) throw new Error(await messageOf(answer));
        return answer.json();
      },
      send: async entry => {
        const body = JSON.stringify({ op: entry.op, kind: entry.kind, data: entry.data });
        const size = new TextEncoder().encode(body).length;
        const answer = await this.#ask(`record/${encodeURIComponent(record)}`, {
          method: 'POST',
          body,
          keepalive: size < KEEPALIVE_MAX
        });
        if (answer.ok) return answer.json();
        const message = await messageOf(answer);
        if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429)
          throw new Refused(message);
        throw new Error(message);
      }
    };
  }
}

async function messageOf(answer) {
  try {
    const body = await answer.json();
    if (typeof body.message === 'string') return body.message.slice(0, 400);
  } catch {
    // No JSON: the status is all there is to say.
  }
  return `The server answered ${answer.status}.`;
}

const TOKEN = /rk1\.[\w-]+\.[\w-]+/;
const DESK = 'reviewkit:open-desk';
const INVITE = 'reviewkit:open-invite';
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M4 3h16a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H9l-5 4.5V16a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zm2.5 3v2h11V6zm0 3.5v2h7v-2z"/>
</svg>`;

/** The signed text of an invite in what somebody pasted: a whole link of any kind, or the text alone; '' without one. */
function inviteIn(pasted) {
  let text = pasted;
  try {
    text = decodeURIComponent(pasted);
  } catch {
    // A lone % sign: looked at as it is.
  }
  return TOKEN.exec(text)?.[0] ?? '';
}

/** What the commands do, for both front ends. */
function entrances({ app, server, dialogs, t }) {
  const inNotebook = app.name.includes('Notebook'); // there each document is a browser tab of its own
  const at = place => new URL(place, new URL(server.settings.baseUrl, location.href)).href;

  async function openDesk() {
    // Asked for while the click still counts, or the browser takes it for an advertisement.
    const tab = inNotebook ? window.open('', '_blank') : null;
    const wait = new dialogs.Dialog({
      title: t('Hiring Desk'),
      body: t('The desk is being opened. This takes some seconds.'),
      buttons: [dialogs.Dialog.cancelButton({ label: t('Hide') })]
    });
    void wait.launch().catch(() => {});
    try {
      const path = await server.desk();
      if (tab) tab.location = at(`notebooks/${path.split('/').map(encodeURIComponent).join('/')}`);
      else await app.commands.execute('docmanager:open', { path });
    } catch (error) {
      tab?.close();
      void dialogs.showErrorMessage(t('The hiring desk was not opened'), error.message);
    } finally {
      wait.dispose();
    }
  }

  async function openInvite() {
    const asked = await dialogs.InputDialog.getText({
      title: t('Open an Invite'),
      label: t('Link of the invite'),
      okLabel: t('Open')
    });
    if (!asked.button.accept) return;
    const token = inviteIn(asked.value ?? '');
    if (token) window.open(at(`reviewkit/open/${token}?ui=${inNotebook ? 'notebook' : 'lab'}`), '_blank', 'noopener');
    else void dialogs.showErrorMessage(t('This is no invite'), t('Paste the whole link that you got, or the part of it that begins with rk1.'));
  }

  return { openDesk, openInvite };
}

/** The plugin with the ways in that need no open workbook: the hiring desk, where the server has one, and an invite. */
async function entrancesPlugin(optional) {
  const names = [
    ['translator', '@jupyterlab/translation', 'ITranslator'],
    ['palette', '@jupyterlab/apputils', 'ICommandPalette'],
    ['launcher', '@jupyterlab/launcher', 'ILauncher']
  ];
  const [{ ServerConnection }, dialogs, ui, ...tokens] = await Promise.all([
    shared('@jupyterlab/services'),
    shared('@jupyterlab/apputils'),
    shared('@jupyterlab/ui-components'),
    ...names.map(([, name, key]) => optional(name, key))
  ]);
  const roles = names.filter((_, at) => tokens[at]).map(([role]) => role);
  return {
    id: 'reviewkit:entrances',
    description: 'Opens the hiring desk and invites.',
    autoStart: true,
    requires: [],
    optional: tokens.filter(Boolean),
    activate: (app, ...given) => {
      const service = Object.fromEntries(roles.map((role, at) => [role, given[at] ?? null]));
      const strings = service.translator?.load('reviewkit');
      const t = source => strings?.__(source) ?? source;
      const category = t('Code Review');
      const describedBy = { args: { type: 'object', properties: {} } };
      const { openDesk, openInvite } = entrances({ app, server: new Server(ServerConnection), dialogs, t });
      app.commands.addCommand(INVITE, { label: t('Open an Invite…'), execute: openInvite, describedBy });
      service.palette?.addItem({ command: INVITE, category });
      if (pageConfig()?.reviewkitDesk !== true) return;
      app.commands.addCommand(DESK, {
        label: t('Hiring Desk'),
        caption: t('Choose a scenario, invite candidates, see how far each is, score'),
        icon: new ui.LabIcon({ name: 'reviewkit:desk', svgstr: ICON }),
        execute: openDesk,
        describedBy
      });
      service.palette?.addItem({ command: DESK, category });
      service.launcher?.add({ command: DESK, category, rank: 1 });
    }
  };
}

const PLUGIN = 'reviewkit:plugin';

/** The form of a kind in the current notebook, nearest to what has the focus. */
function formNear(workbook, kind) {
  const all = [...(workbook?.forms ?? [])].filter(output => output.spec?.form === kind && output.form);
  return all.find(output => output.node.contains(document.activeElement)) ?? all[0] ?? null;
}

function commandsOf(tracker) {
  const here = () => (tracker.currentWidget ? (hub.workbooks.get(tracker.currentWidget) ?? null) : null);
  const toForm = (kind, name) => () => {
    const output = formNear(here(), kind);
    if (!output) return;
    if (name) output.form.command(name);
    else {
      output.node.scrollIntoView({ block: 'start' });
      output.node
        .querySelector('.rk-row[tabindex="0"], button:not(:disabled), summary')
        ?.focus({ preventScroll: true });
    }
  };
  return {
    has: () => here()?.isOurs ?? false,
    list: [
      ['reviewkit:show-change', hub.t('Go to the Change'), toForm('change')],
      ['reviewkit:comment', hub.t('Comment on the Chosen Lines'), toForm('change', 'comment')],
      ['reviewkit:comment-change', hub.t('Comment on the Whole Change'), toForm('change', 'comment-change')],
      ['reviewkit:next-finding', hub.t('Go to the Next Finding'), toForm('change', 'next-finding')],
      ['reviewkit:toggle-view', hub.t('Switch Between Unified and Split View'), toForm('change', 'toggle-view')],
      ['reviewkit:show-record', hub.t('Show What Was Recorded'), toForm('status')],
      ['reviewkit:download', hub.t('Download My Answers'), () => here()?.download()],
      ['reviewkit:show-submit', hub.t('Go to Submit'), toForm('submit')]
    ]
  };
}

function addCommands(app, tracker, palette) {
  const { has, list } = commandsOf(tracker);
  for (const [id, label, execute] of list) {
    app.commands.addCommand(id, {
      label,
      execute,
      isEnabled: has,
      describedBy: { args: { type: 'object', properties: {} } }
    });
    palette?.addItem({ command: id, category: hub.t('Code Review') });
  }
}

async function readSettings(registry) {
  if (!registry) return;
  try {
    const settings = await registry.load(PLUGIN);
    const read = () =>
      Object.assign(hub.settings, {
        view: settings.get('view').composite,
        singleKeys: settings.get('singleKeys').composite
      });
    settings.changed.connect(read);
    read();
  } catch {
    // Without the schema (a partial install) the defaults hold; forms must work all the same.
  }
}

/** Widgets of the hiring desk take every key themselves: an arrow on a list must choose, not move through the notebook. */
function quietWidgets() {
  const quiet = ({ target }) => target.closest?.('.rk-desk') && target.setAttribute(QUIET, 'true');
  document.addEventListener('focusin', quiet, true);
}

/** The plugin that knows notebooks (grants, record, commands; only the tracker is required), and the one with the ways in. */
async function applicationPlugins() {
  const [{ INotebookTracker, NotebookActions }, { ServerConnection }] = await Promise.all([
    shared('@jupyterlab/notebook'),
    shared('@jupyterlab/services')
  ]);
  const optional = async (name, key) => {
    try {
      return (await shared(name))[key] ?? null;
    } catch {
      return null;
    }
  };
  const tokens = await Promise.all([
    optional('@jupyterlab/translation', 'ITranslator'),
    optional('@jupyterlab/settingregistry', 'ISettingRegistry'),
    optional('@jupyterlab/apputils', 'ICommandPalette')
  ]);
  const roles = ['translator', 'settings', 'palette'].filter((_, at) => tokens[at]);
  const entrances = await entrancesPlugin(optional).catch(() => null); // forms and record do not depend on it
  return [
    ...(entrances ? [entrances] : []),
    {
      id: PLUGIN,
      description: 'Keeps the record of a code-review workbook.',
      autoStart: true,
      requires: [INotebookTracker],
      optional: tokens.filter(Boolean),
      activate: async (app, tracker, ...given) => {
        const service = Object.fromEntries(roles.map((role, at) => [role, given[at] ?? null]));
        hub.strings = service.translator?.load('reviewkit') ?? null;
        addCommands(app, tracker, service.palette ?? null);
        quietWidgets();
        hub.open({ app, NotebookActions, server: new Server(ServerConnection) });
        tracker.widgetAdded.connect((_, panel) => void hub.of(panel));
        tracker.forEach(panel => void hub.of(panel));
        await readSettings(service.settings ?? null);
      }
    }
  ];
}

/* The frame around this bundle uses both. */


  const modules = {
    './extension': async () => ({ default: await applicationPlugins() }),
    './mimeExtension': async () => ({ default: await rendererPlugin() })
  };
  (window._JUPYTERLAB ??= {}).reviewkit = {
    init(given) {
      scope = given;
    },
    async get(name) {
      const module = await modules[name]();
      Object.defineProperty(module, '__esModule', { value: true });
      return () => module;
    }
  };
})();
