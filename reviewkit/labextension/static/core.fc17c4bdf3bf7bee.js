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

/** JSON with sorted keys: the journal sorts them, a form does not. */
function stable(value) {
  return JSON.stringify(value, (key, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [two]) => (one < two ? -1 : 1)))
      : part
  );
}

const alike = (one, two) => stable(one) === stable(two);
const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * One answer out of two that began as the same: a part that only one changed is taken from there. Where both changed a text it
 * is mine; a list keeps what either added and loses what either took away.
 */
function merged(base, mine, theirs) {
  if (alike(mine, base)) return theirs;
  if (alike(theirs, base)) return mine;
  if (Array.isArray(mine) && Array.isArray(theirs)) return mergedList(Array.isArray(base) ? base : [], mine, theirs);
  if (!isObject(mine) || !isObject(theirs)) return mine;
  const before = isObject(base) ? base : {};
  const keys = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])];
  return Object.fromEntries(
    keys.map(key => [key, merged(before[key], mine[key], theirs[key])]).filter(([, value]) => value !== undefined)
  );
}

/** The order is theirs where they moved something, else mine. */
function mergedList(base, mine, theirs) {
  const common = base.filter(item => theirs.includes(item));
  const haveMoved = !alike(common, theirs.filter(item => base.includes(item)));
  const [order, other] = haveMoved ? [theirs, mine] : [mine, theirs];
  const list = order.filter(item => other.includes(item) || !base.includes(item));
  other.forEach((item, at) => {
    if (base.includes(item) || list.includes(item)) return;
    const before = list.indexOf(other[at - 1]);
    list.splice(before < 0 ? list.length : before + 1, 0, item);
  });
  return list;
}

const AUTOSAVE_MS = 2500;

/** Texts being written, kept in the browser until they are recorded, so that Run All or a reload loses nothing. */
class Drafts {
  /**
   * @param {Storage|null} storage
   * @param {() => string|null} record id of the record; null keeps drafts in memory
   */
  constructor(storage, record) {
    this.storage = storage;
    this.record = record;
    this.memory = new Map();
  }

  #key(name) {
    return this.record() === null ? null : `reviewkit-draft:${this.record()}:${name}`;
  }

  get(name) {
    const key = this.#key(name);
    try {
      return JSON.parse((key && this.storage?.getItem(key)) ?? 'null') ?? this.memory.get(name) ?? null;
    } catch {
      return this.memory.get(name) ?? null;
    }
  }

  set(name, value) {
    this.memory.set(name, value);
    const key = this.#key(name);
    try {
      if (key) this.storage?.setItem(key, JSON.stringify(value));
    } catch {
      // No room left: the draft stays in memory and the outbox reports the full storage.
    }
  }

  drop(name) {
    this.memory.delete(name);
    const key = this.#key(name);
    if (key) this.storage?.removeItem(key);
  }

  /** Names of drafts that begin with `prefix`. */
  names(prefix) {
    const start = this.#key(prefix);
    const names = new Set([...this.memory.keys()].filter(name => name.startsWith(prefix)));
    for (let at = 0; start && at < (this.storage?.length ?? 0); at += 1) {
      const key = this.storage.key(at);
      if (key?.startsWith(start)) names.add(key.slice(start.length - prefix.length));
    }
    return [...names];
  }
}

/** Whether the candidate can change anything now. */
function writable(ctx) {
  const { mode } = ctx.model.get('status');
  return (mode === 'live' || mode === 'preview') && !lockedReason(ctx) && !ctx.env.readOnly;
}

/** Why nothing can be changed, in one line; empty when it can. */
function lockedReason(ctx) {
  const status = ctx.model.get('status');
  if (status.mode === 'opening') return status.message || ctx.t('Asking the server whether this workbook may record…');
  if (status.mode === 'readonly') return status.message || ctx.t('Read only: this notebook records nothing.');
  if (status.terms && !ctx.model.get('state').agreed)
    return ctx.t('Opens when you agree to what stands under “Before you begin”, at the top of this workbook.');
  if (ctx.model.get('state').submitted) return ctx.t('Submitted. Your answers are read only now.');
  return '';
}

/** A frame with title and an optional line that says why the form is locked. */
function card(ctx, { title, kind = '', label = title }) {
  const note = h('p', { class: 'rk-locked', hidden: true });
  const body = h('div', { class: 'rk-body' });
  const heading = title ? h('h3', { class: 'rk-title' }, title) : null;
  const aside = h('div', { class: 'rk-aside' });
  const node = h(
    'section',
    { class: `rk-card ${kind}`, 'aria-label': label },
    heading && h('header', { class: 'rk-head' }, heading, aside),
    note,
    body
  );
  return {
    node,
    body,
    aside,
    lock(reason) {
      note.hidden = !reason;
      note.textContent = reason;
    }
  };
}

/** The answers to one exercise that the record holds, in order. */
function answersTo(ctx, id) {
  return ctx.model
    .get('events')
    .filter(event => event.seq && event.kind === 'exercise.answered' && event.data?.exercise === id)
    .map(event => ({ op: event.op, answer: event.data.answer }));
}

const STAGES = { trace: 'architecture', explain: 'architecture', diagnose: 'degraded' };

/** When the stage of an exercise opens, in ms, or 0: it is open, or there is work in it already, which nothing locks again. */
function opensAt(ctx, { kind, id }) {
  const { terms, clockOffset } = ctx.model.get('status');
  const wait = 1000 * Number(terms?.stages?.[STAGES[kind]]) - Date.now() - clockOffset;
  if (!(wait > 0) || ctx.model.get('state').exercises.get(id)?.answer) return 0;
  ctx.wake?.(wait + 500);
  return 1000 * terms.stages[STAGES[kind]];
}

/** A day with its hour, as people where the page is read write it. */
const dayTime = ms => new Date(ms).toLocaleString([], { dateStyle: 'full', timeStyle: 'short' });

/** Why an exercise is locked: the review part comes first, then its day. */
function exerciseLock(ctx, exercise) {
  const reason = lockedReason(ctx);
  if (reason) return reason;
  const opens = opensAt(ctx, exercise);
  if (opens) return ctx.t('Not open yet. This stage opens on %1.', dayTime(opens));
  return ctx.model.get('state').closed ? '' : ctx.t('Opens when you close the review part.');
}

/**
 * Record an answer while it is being written: a draft at each key, an event when the writer pauses or leaves the field.
 *
 * With `answers` the form may be open in two pages of a shared document: what the other page recorded is taken in while one
 * works in it, part by part, and an answer that was recorded without having seen another is put together with it.
 *
 * @param {any} ctx
 * @param {{name: string, root: HTMLElement, collect: () => any, show: (value: any) => void, recorded: () => any, record: (value: any) => void, ready?: (value: any) => boolean, answers?: () => {op: string, answer: any}[]}} form
 */
function autosave(ctx, { name, root, collect, show, recorded, record, ready = () => true, answers = null }) {
  const state = h('span', { class: 'rk-saved' });
  let timer = null;
  const blank = answers ? collect() : null;
  let base; // what both this page and the record held last; known once the record was read
  const unseen = []; // recorded here, and not known yet what was recorded just before them
  const mark = () => {
    const value = collect();
    const before = recorded();
    if (before !== null && alike(value, before)) state.textContent = ctx.t('Saved');
    else if (ctx.drafts.get(name) === null) state.textContent = '';
    else state.textContent = ready(value) ? ctx.t('Not saved yet') : ctx.t('Incomplete');
  };
  const commit = () => {
    clearTimeout(timer);
    timer = null;
    if (ctx.drafts.get(name) === null) return;
    const value = collect();
    if (!ready(value) || root.disabled) return mark();
    if (!alike(value, recorded())) put(value);
    ctx.drafts.drop(name);
    mark();
  };
  const put = value => {
    const before = recorded() ?? base;
    base = value;
    const op = record(value);
    if (answers && op) unseen.push({ op, before });
  };
  /** Take in what another page recorded. */
  const join = () => {
    const theirs = recorded();
    if (theirs !== null && !alike(theirs, base)) take(base, theirs);
    const all = unseen.length > 0 ? answers() : [];
    while (unseen.length > 0) {
      const at = all.findIndex(one => one.op === unseen[0].op);
      if (at < 0) return; // not confirmed yet
      const { before } = unseen.shift();
      const last = all[at - 1]?.answer;
      if (last === undefined || alike(last, before)) continue;
      take(before, last);
      if (!root.disabled && !alike(collect(), recorded())) put(collect());
    }
  };
  const take = (before, theirs) => {
    const mine = collect();
    const value = merged(before, mine, theirs);
    base = recorded();
    if (!alike(value, mine)) show(value);
    if (ctx.drafts.get(name) !== null) ctx.drafts.set(name, value);
  };
  const touched = () => {
    ctx.drafts.set(name, collect());
    mark();
    clearTimeout(timer);
    timer = setTimeout(commit, AUTOSAVE_MS);
  };
  root.addEventListener('input', touched);
  root.addEventListener('change', () => {
    touched();
    commit();
  });
  root.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    commit();
  });
  window.addEventListener('pagehide', commit);
  return {
    state,
    touched: () => {
      touched();
      commit();
    },
    update() {
      if (answers && ctx.model.get('status').loaded) base === undefined ? (base = recorded() ?? blank) : join();
      const draft = ctx.drafts.get(name);
      const value = draft ?? recorded();
      if (value !== null && !alike(value, collect()) && !root.contains(document.activeElement)) show(value);
      if (draft !== null && timer === null) timer = setTimeout(commit, AUTOSAVE_MS);
      mark();
    },
    dispose() {
      clearTimeout(timer);
      window.removeEventListener('pagehide', commit);
    }
  };
}

/** How a reader likes forms to look; kept in the browser, not part of any record. */
const taste = {
  get(name) {
    try {
      return localStorage.getItem(`reviewkit-taste:${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`reviewkit-taste:${name}`, value);
    } catch {
      // Blocked or full: the choice lasts until the page is closed.
    }
  }
};

/** A time as people read it, from an ISO string; empty when it is none. */
function clockTime(iso) {
  const when = new Date(iso);
  return Number.isNaN(when.getTime()) ? '' : when.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
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

const ROWS_MAX = 60000;
const LINE_MAX = 4000;
const CLASS = /^[a-z0-9]{0,4}$/;
const KINDS = new Set([' ', '+', '-']);
const STATUSES = new Set(['added', 'removed', 'modified']);

/** Tokens of one row as `[class, text, ...]`; classes that are none of Pygments' are dropped, long lines cut. */
function tokens(value) {
  const flat = [];
  let room = LINE_MAX;
  const source = asList(value);
  for (let at = 0; at + 1 < source.length && room > 0; at += 2) {
    const part = text(source[at + 1], room);
    room -= part.length;
    flat.push(typeof source[at] === 'string' && CLASS.test(source[at]) ? source[at] : '', part);
  }
  if (room <= 0) flat.push('', ' …');
  return flat;
}

/** The files of a `change` form, coerced: the bundle may come from a stranger's notebook. */
function cleanFiles(spec) {
  let room = ROWS_MAX;
  return asList(spec.files)
    .slice(0, 500)
    .map(file => {
      const hunks = asList(file?.hunks).map(hunk => {
        const rows = asList(hunk?.rows).slice(0, room);
        room -= rows.length;
        return {
          head: text(hunk?.head, 400),
          rows: rows.map(row => ({
            kind: KINDS.has(row?.[0]) ? row[0] : ' ',
            old: lineNumber(row?.[1]),
            new: lineNumber(row?.[2]),
            tokens: tokens(row?.[3])
          }))
        };
      });
      return {
        path: text(file?.path, 400) || '?',
        status: STATUSES.has(file?.status) ? file.status : 'modified',
        added: Number.isInteger(file?.added) ? file.added : 0,
        removed: Number.isInteger(file?.removed) ? file.removed : 0,
        hunks,
        size: hunks.reduce((sum, hunk) => sum + hunk.rows.length, 0)
      };
    });
}

/** Short strings of a list, at most `max`. */
function words(value, max = 50) {
  return asList(value)
    .slice(0, max)
    .map(word => text(word, 60))
    .filter(Boolean);
}

/** Items with an id and a line of text, as claims, layers and marks have. */
function labelled(value, key) {
  return asList(value)
    .slice(0, 200)
    .map(item => ({ id: text(item?.id, 80), label: text(item?.[key], 1000) }))
    .filter(item => item.id);
}

const CHUNK = 50;
const LINE_PX = 20;

/** Display rows of a hunk: in unified view one per row; in split view a run of `-` beside the following run of `+`. */
function displayRows(rows, split) {
  if (!split) return rows.map(row => (row.kind === '-' ? { left: row, right: null } : { left: null, right: row }));
  const out = [];
  for (let at = 0; at < rows.length;) {
    if (rows[at].kind === ' ') {
      out.push({ left: rows[at], right: rows[at] });
      at += 1;
      continue;
    }
    const removed = [];
    const added = [];
    while (at < rows.length && rows[at].kind === '-') removed.push(rows[at++]);
    while (at < rows.length && rows[at].kind === '+') added.push(rows[at++]);
    for (let n = 0; n < Math.max(removed.length, added.length); n += 1)
      out.push({ left: removed[n] ?? null, right: added[n] ?? null });
  }
  return out;
}

function code(ctx, row) {
  const cell = h('div', {
    role: 'gridcell',
    class: `rk-code ${row === null ? 'rk-none' : { '+': 'rk-add', '-': 'rk-del', ' ': '' }[row.kind]}`
  });
  if (row === null) return cell;
  cell.append(h('span', { class: 'rk-sign', 'aria-hidden': 'true' }, row.kind));
  if (row.kind !== ' ')
    cell.append(h('span', { class: 'rk-vh' }, row.kind === '+' ? ctx.t('added') : ctx.t('removed'), ' '));
  for (let at = 0; at < row.tokens.length; at += 2) {
    const [cls, part] = [row.tokens[at], row.tokens[at + 1]];
    if (cls) {
      const span = document.createElement('span');
      span.className = `rk-t-${cls}`;
      span.textContent = part;
      cell.append(span);
    } else cell.append(part);
  }
  return cell;
}

function number(value, side, tone) {
  return h('div', { role: 'gridcell', class: `rk-no ${tone}`, 'data-side': side }, value === null ? '' : String(value));
}

const tone = row => (row === null ? 'rk-none' : { '+': 'rk-add', '-': 'rk-del', ' ': '' }[row.kind]);

/** One row of the grid. Its places are kept on the node as `rk = {file, L, R}` (line numbers or null). */
function rowNode(ctx, fileAt, pair, split) {
  const { left, right } = pair;
  const node = h('div', { role: 'row', class: split ? 'rk-row rk-split' : 'rk-row', tabindex: -1 });
  if (split)
    node.append(
      number(left?.old ?? null, 'L', tone(left)),
      code(ctx, left),
      number(right?.new ?? null, 'R', tone(right)),
      code(ctx, right)
    );
  else {
    const row = left ?? right;
    node.append(number(row.old, 'L', tone(row)), number(row.new, 'R', tone(row)), code(ctx, row));
  }
  node.rk = { file: fileAt, L: left?.kind === '-' ? left.old : null, R: right?.new ?? null };
  return node;
}

/** A row that spans the grid: hunk heads, findings, composers. */
function wideRow(content, cls = '') {
  return h(
    'div',
    { role: 'row', class: `rk-wide-row ${cls}` },
    h('div', { role: 'gridcell', 'aria-colspan': 4, class: 'rk-wide-cell' }, content)
  );
}

/**
 * The grid of one file.
 * @returns {{node: HTMLElement, rows: HTMLElement[]}}
 */
function grid(ctx, file, fileAt, split) {
  const node = h('div', {
    role: 'grid',
    class: 'rk-grid',
    'aria-multiselectable': 'true',
    'aria-label': ctx.t('Changed lines of %1', file.path)
  });
  const rows = [];
  for (const hunk of file.hunks) {
    const nodes = displayRows(hunk.rows, split).map(pair => rowNode(ctx, fileAt, pair, split));
    if (nodes.length > 0) nodes[0].rkHunk = true;
    rows.push(...nodes);
    for (let at = 0; at < nodes.length; at += CHUNK) {
      const part = nodes.slice(at, at + CHUNK);
      const chunk = h('div', { role: 'rowgroup', class: 'rk-chunk' });
      chunk.style.containIntrinsicSize = `auto ${part.length * LINE_PX}px`;
      if (at === 0) chunk.append(wideRow(hunk.head || '…', 'rk-hunk'));
      chunk.append(...part);
      node.append(chunk);
    }
  }
  return { node, rows };
}

/** Where a remark belongs, in words. */
function placeText(ctx, place) {
  if (place.file === null) return ctx.t('Whole change');
  if (place.line === null) return ctx.t('%1, whole file', place.file);
  const side = place.side === 'L' ? ` ${ctx.t('(old version)')}` : '';
  const lines = place.end_line > place.line ? `${place.line}–${place.end_line}` : `${place.line}`;
  return `${place.file}:${lines}${side}`;
}

/** Name under which the draft of a remark is kept: one per place, or per remark being edited. */
function draftName(place, finding) {
  return finding ? `finding:edit:${finding.id}` : `finding:new:${place.file ?? ''}|${place.side}|${place.line ?? ''}`;
}

/** A word with a capital letter, as labels show it. */
function capital(word) {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function placeFields(ctx, place) {
  const kinds = [
    place.line !== null && ['lines', ctx.t('Lines')],
    place.file !== null && ['file', ctx.t('Whole file')],
    ['change', ctx.t('Whole change')]
  ].filter(Boolean);
  const kind = h(
    'select',
    {},
    kinds.map(([value, label]) => h('option', { value }, label))
  );
  kind.value = kinds[0][0];
  const from = h('input', { type: 'number', min: 1, step: 1, class: 'rk-number', value: place.line ?? '' });
  const to = h('input', {
    type: 'number',
    min: 1,
    step: 1,
    class: 'rk-number',
    value: place.end_line ?? place.line ?? ''
  });
  const fields = {
    kind: field(ctx.t('Place'), kind),
    from: field(ctx.t('From line'), from),
    to: field(ctx.t('To line'), to)
  };
  const sync = () => {
    fields.from.node.hidden = fields.to.node.hidden = kind.value !== 'lines';
  };
  kind.addEventListener('change', sync);
  sync();
  return {
    nodes: [fields.kind.node, fields.from.node, fields.to.node],
    get values() {
      return { kind: kind.value, from: from.value, to: to.value };
    },
    set values(next) {
      if (kinds.some(([value]) => value === next.kind)) kind.value = next.kind;
      from.value = next.from;
      to.value = next.to;
      sync();
    },
    /** The place chosen, or null with the fault shown. */
    read() {
      fields.from.fail('');
      fields.to.fail('');
      if (kind.value === 'change') return { file: null, side: 'R', line: null, end_line: null };
      if (kind.value === 'file') return { file: place.file, side: 'R', line: null, end_line: null };
      const [line, end] = [Number(from.value), Number(to.value)];
      if (!Number.isInteger(line) || line < 1)
        return (fields.from.fail(ctx.t('Give a line number.')), from.focus(), null);
      if (!Number.isInteger(end) || end < line)
        return (fields.to.fail(ctx.t('Give a line at or after the first.')), to.focus(), null);
      return { file: place.file, side: place.side, line, end_line: end };
    }
  };
}

function textFields(ctx) {
  const area = rows => h('textarea', { rows, spellcheck: 'true' });
  return {
    body: field(ctx.t('What is wrong'), area(3), { wide: true, hint: ctx.t('required, Markdown') }),
    why: field(ctx.t('Why it matters'), area(2)),
    fix: field(ctx.t('What to do'), area(2))
  };
}

/**
 * The form in which a remark is written or changed.
 *
 * @param {any} ctx
 * @param {{place: any, finding: any, severities: string[], categories: string[], close: (saved: boolean) => void}} options
 */
function composer(ctx, { place, finding, severities, categories, close }) {
  const name = draftName(place, finding);
  const where = placeFields(ctx, place);
  const severity = choices(
    ctx.t('Severity'),
    severities.map(id => ({ id, label: ctx.t(capital(id)), class: `rk-sev-${severities.indexOf(id)}` }))
  );
  const category = field(
    ctx.t('Category'),
    h(
      'select',
      {},
      h('option', { value: '' }, ctx.t('Choose…')),
      categories.map(id => h('option', { value: id }, ctx.t(capital(id))))
    )
  );
  const texts = textFields(ctx);
  const values = () => ({
    open: true,
    place,
    where: where.values,
    severity: severity.value,
    category: category.control.value,
    body: texts.body.control.value,
    why: texts.why.control.value,
    fix: texts.fix.control.value
  });
  const put = from => {
    severity.value = from.severity ?? null;
    category.control.value = from.category ?? '';
    for (const key of ['body', 'why', 'fix']) texts[key].control.value = from[key] ?? '';
  };
  const save = () => {
    const at = where.read();
    severity.fail('');
    category.fail('');
    texts.body.fail('');
    const faults = [];
    if (!severity.value) faults.push([severity, ctx.t('Choose a severity.')]);
    if (!category.control.value) faults.push([category, ctx.t('Choose a category.')]);
    if (!texts.body.control.value.trim()) faults.push([texts.body, ctx.t('Say what is wrong.')]);
    for (const [part, message] of faults) part.fail(message);
    if (faults.length > 0) (faults[0][0].control ?? faults[0][0]).focus();
    if (at === null || faults.length > 0) return;
    const after = finding ? finding.after_exercises : ctx.model.get('state').closed;
    const { body, why, fix } = values();
    ctx.model.op(finding ? 'finding.edited' : 'finding.added', {
      id: finding?.id ?? `f-${randomId(6)}`,
      ...at,
      severity: severity.value,
      category: category.control.value,
      body: body.trim(),
      why: why.trim(),
      fix: fix.trim(),
      after_exercises: after
    });
    ctx.drafts.drop(name);
    close(true);
  };
  const shut = keep => {
    const now = values();
    const written = now.body || now.why || now.fix;
    if (keep && written) ctx.drafts.set(name, { ...now, open: false });
    else ctx.drafts.drop(name);
    close(false);
  };
  const node = h(
    'form',
    {
      class: 'rk-composer',
      novalidate: true,
      'aria-label': finding
        ? ctx.t('Edit finding at %1', placeText(ctx, place))
        : ctx.t('New finding at %1', placeText(ctx, place))
    },
    h(
      'div',
      { class: 'rk-composer-head' },
      h('strong', {}, finding ? ctx.t('Edit finding') : ctx.t('New finding')),
      h('code', {}, placeText(ctx, place))
    ),
    h('div', { class: 'rk-fields' }, severity.node, category.node, where.nodes),
    h('div', { class: 'rk-fields' }, texts.body.node, texts.why.node, texts.fix.node),
    h(
      'div',
      { class: 'rk-actions' },
      h('button', { class: 'rk-button rk-primary', on: { click: save } }, ctx.t('Save finding')),
      h('button', { class: 'rk-button', on: { click: () => shut(false) } }, ctx.t('Discard')),
      h('span', { class: 'rk-hint' }, ctx.t('Ctrl+Enter saves, Esc closes and keeps the draft'))
    )
  );
  node.addEventListener('submit', event => {
    event.preventDefault();
    save();
  });
  node.addEventListener('input', () => ctx.drafts.set(name, values()));
  node.addEventListener('keydown', event => {
    event.stopPropagation();
    if (isAccelEnter(event)) {
      event.preventDefault();
      save();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      shut(true);
    } else ctx.accel(event);
  });
  if (finding) put(finding);
  const draft = ctx.drafts.get(name);
  if (draft) {
    put(draft);
    if (draft.where) where.values = draft.where;
  }
  return { node, name, focus: () => severity.focus() };
}

/**
 * Draw a small, safe part of Markdown: paragraphs, headings, lists, fenced code, `code`, **strong**, *emphasis*.
 * Links and images show as their source; markup shows as text. Only DOM nodes are made, so nothing has to be cleaned.
 *
 * @param {string} source
 * @returns {HTMLElement}
 */
function markdown(source) {
  const root = h('div', { class: 'rk-md' });
  const lines = source.replaceAll('\r\n', '\n').split('\n').slice(0, 2000);
  for (let at = 0; at < lines.length;) at = block(root, lines, at);
  return root;
}

const FENCE = /^\s*```/;
const ITEM = /^\s*(?:[-*+]|\d{1,3}[.)])\s+/;
const HEADING = /^#{1,6}\s+/;

function block(root, lines, at) {
  const line = lines[at];
  if (!line.trim()) return at + 1;
  if (FENCE.test(line)) return fenced(root, lines, at);
  if (HEADING.test(line)) {
    root.append(h('p', { class: 'rk-md-heading' }, inline(line.replace(HEADING, ''))));
    return at + 1;
  }
  if (ITEM.test(line)) return items(root, lines, at);
  return paragraph(root, lines, at);
}

function fenced(root, lines, at) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  root.append(h('pre', { tabindex: 0 }, h('code', {}, lines.slice(at + 1, end).join('\n'))));
  return end + 1;
}

function items(root, lines, at) {
  const list = h(/^\s*\d/.test(lines[at]) ? 'ol' : 'ul');
  let end = at;
  while (end < lines.length && ITEM.test(lines[end])) {
    const parts = [lines[end].replace(ITEM, '')];
    end += 1;
    while (end < lines.length && /^\s{2,}\S/.test(lines[end]) && !ITEM.test(lines[end]))
      parts.push(lines[end++].trim());
    list.append(h('li', {}, inline(parts.join(' '))));
  }
  root.append(list);
  return end;
}

function paragraph(root, lines, at) {
  let end = at;
  while (
    end < lines.length &&
    lines[end].trim() &&
    !FENCE.test(lines[end]) &&
    !HEADING.test(lines[end]) &&
    !(end > at && ITEM.test(lines[end]))
  )
    end += 1;
  root.append(h('p', {}, inline(lines.slice(at, end).join('\n'))));
  return end;
}

const INLINE = /(`+)([^`][^]*?)\1|\*\*([^*\n]{1,500})\*\*|__([^_\n]{1,500})__|\*([^*\s][^*\n]{0,500})\*/g;

function inline(source) {
  const parts = [];
  let last = 0;
  for (const match of source.matchAll(INLINE)) {
    parts.push(source.slice(last, match.index));
    const [whole, , code, strong, strong2, emphasis] = match;
    if (code !== undefined) parts.push(h('code', {}, code.trim()));
    else if (emphasis !== undefined) parts.push(h('em', {}, emphasis));
    else parts.push(h('strong', {}, strong ?? strong2));
    last = match.index + whole.length;
  }
  parts.push(source.slice(last));
  return parts;
}

const SHAPES = ['■', '▲', '●', '○'];

/** A severity as a shape and a word, so that nothing hangs on the colour. */
function severityBadge(ctx, severity, severities) {
  const at = Math.max(0, severities.indexOf(severity));
  const shape = h('span', { class: 'rk-shape', 'aria-hidden': 'true' }, SHAPES[Math.min(at, SHAPES.length - 1)]);
  return h('span', { class: `rk-badge rk-sev-${at}` }, shape, ctx.t(capital(severity || '?')));
}

/** First words of a remark, for lists. */
function gist(finding, max = 90) {
  const flat = finding.body
    .replaceAll(/^\s*(?:[-*+>]|#+|\d+[.)])\s+/gm, '')
    .replaceAll(/[`*]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return flat.length > max ? `${flat.slice(0, max - 1)}…` : flat;
}

function part(label, source) {
  return source.trim()
    ? h('div', { class: 'rk-part' }, h('div', { class: 'rk-part-label' }, label), markdown(source))
    : null;
}

function evidenceOf(ctx, state, finding) {
  return [...state.evidence.values()]
    .filter(item => item.finding === finding.id)
    .map(item =>
      h(
        'div',
        { class: 'rk-part' },
        h('div', { class: 'rk-part-label' }, ctx.t('Evidence')),
        `${item.outcome}: ${item.seen}`
      )
    );
}

/**
 * One recorded remark, shown at its place.
 * @param {{severities: string[], edit: () => void, remove: () => void, canWrite: boolean}} options
 */
function remark(ctx, finding, { severities, edit, remove, canWrite }) {
  const actions = h('div', { class: 'rk-remark-actions' });
  const ask = () => {
    const keep = h('button', { class: 'rk-link', on: { click: offer } }, ctx.t('Keep'));
    fill(
      actions,
      h('span', {}, ctx.t('Delete this finding?')),
      h('button', { class: 'rk-link rk-danger', on: { click: remove } }, ctx.t('Delete it')),
      keep
    );
    keep.focus();
  };
  const offer = () =>
    fill(
      actions,
      h(
        'button',
        { class: 'rk-link', 'aria-label': ctx.t('Edit finding at %1', placeText(ctx, finding)), on: { click: edit } },
        ctx.t('Edit')
      ),
      h(
        'button',
        { class: 'rk-link', 'aria-label': ctx.t('Delete finding at %1', placeText(ctx, finding)), on: { click: ask } },
        ctx.t('Delete')
      )
    );
  if (canWrite) offer();
  const node = h(
    'article',
    {
      class: 'rk-remark',
      tabindex: -1,
      'aria-label': `${capital(finding.severity)} · ${placeText(ctx, finding)}`,
      'data-finding': finding.id
    },
    h(
      'header',
      { class: 'rk-remark-head' },
      h('span', { class: 'rk-dim' }, `#${finding.number}`),
      severityBadge(ctx, finding.severity, severities),
      h('span', { class: 'rk-tag' }, ctx.t(capital(finding.category))),
      h('span', { class: 'rk-place' }, placeText(ctx, finding)),
      finding.after_exercises ? h('span', { class: 'rk-tag' }, ctx.t('after exercises')) : null,
      actions
    ),
    markdown(finding.body),
    h(
      'div',
      { class: 'rk-parts' },
      part(ctx.t('Why it matters'), finding.why),
      part(ctx.t('What to do'), finding.fix),
      evidenceOf(ctx, ctx.model.get('state'), finding)
    )
  );
  node.addEventListener('keydown', event => {
    event.stopPropagation();
    if (!ctx.accel(event) && event.key === 'Escape') node.dispatchEvent(new CustomEvent('rk-leave', { bubbles: true }));
  });
  return node;
}

/** The lists beside the change, files and findings, when they have changed. */
function drawLists(form) {
  const { t, tn } = form.ctx;
  const findings = [...form.ctx.model.get('state').findings.values()];
  const print = JSON.stringify(
    findings.map(finding => [finding.id, finding.file, finding.line, finding.severity, finding.body])
  );
  if (print === form.listed) return;
  form.listed = print;
  const counts = new Map();
  for (const finding of findings) counts.set(finding.file, (counts.get(finding.file) ?? 0) + 1);
  fill(
    form.fileList,
    form.files.map(file => {
      const n = counts.get(file.data.path) ?? 0;
      const slash = file.data.path.lastIndexOf('/') + 1;
      return h(
        'li',
        {},
        h(
          'button',
          { class: 'rk-item', title: file.data.path, on: { click: () => form.showFile(file) } },
          h(
            'span',
            { class: 'rk-path' },
            h('span', { class: 'rk-dim' }, file.data.path.slice(0, slash)),
            h('span', {}, file.data.path.slice(slash))
          ),
          n > 0 &&
            h(
              'span',
              { class: 'rk-count' },
              String(n),
              h('span', { class: 'rk-vh' }, ` ${tn('finding', 'findings', n)}`)
            ),
          h('span', { class: 'rk-plus' }, `+${file.data.added}`),
          h('span', { class: 'rk-minus' }, `−${file.data.removed}`)
        )
      );
    })
  );
  form.findingTitle.textContent = findings.length > 0 ? `${t('Findings')} (${findings.length})` : t('Findings');
  const place = finding =>
    finding.file === null
      ? t('Whole change')
      : finding.line === null
        ? finding.file.split('/').pop()
        : `${finding.file.split('/').pop()}:${finding.line}`;
  fill(
    form.findingList,
    findings.length > 0
      ? findings.map(finding =>
          h(
            'li',
            {},
            h(
              'button',
              {
                class: 'rk-item rk-finding',
                title: placeText(form.ctx, finding),
                on: { click: () => form.showFinding(finding.id) }
              },
              h(
                'span',
                { class: 'rk-finding-top' },
                h('span', { class: 'rk-dim' }, `#${finding.number}`),
                severityBadge(form.ctx, finding.severity, form.severities),
                h('span', { class: 'rk-dim' }, place(finding))
              ),
              h('span', { class: 'rk-gist' }, gist(finding))
            )
          )
        )
      : h('li', { class: 'rk-empty' }, t('None yet. Click a line number, or press c on a line.'))
  );
}

const PAGE = 25;

/**
 * Moving through the rows of a change by keyboard and mouse, and choosing lines.
 *
 * One row is in the tab order (roving tabindex). A choice runs from `anchor` to `current` within one file.
 */
function steer(form) {
  const state = { current: null, anchor: null, side: null, dragging: false, marked: [] };
  const { node: root, ctx } = form;

  const at = () => form.rows.indexOf(state.current);

  function range() {
    if (!state.current) return [];
    const [one, two] = [form.rows.indexOf(state.anchor ?? state.current), at()].sort((a, b) => a - b);
    return form.rows.slice(Math.max(one, 0), two + 1).filter(row => row.rk.file === state.current.rk.file);
  }

  function mark() {
    for (const row of state.marked) {
      row.classList.remove('rk-chosen');
      row.removeAttribute('aria-selected');
    }
    state.marked = range();
    for (const row of state.marked) {
      row.classList.add('rk-chosen');
      row.setAttribute('aria-selected', 'true');
    }
  }

  function moveTo(row, { focus = true, extend = false, scroll = true } = {}) {
    if (!row) return;
    if (extend && row.rk.file !== state.current?.rk.file) return;
    if (state.current) state.current.tabIndex = -1;
    state.current = row;
    row.tabIndex = 0;
    if (!extend) {
      state.anchor = row;
      state.side = null;
    }
    mark();
    if (focus) row.focus({ preventScroll: true });
    if (focus && scroll) row.scrollIntoView({ block: 'nearest' });
  }

  /** The lines chosen, as a place. New lines win over old ones unless only old ones, or the old column, were chosen. */
  function place() {
    const rows = range();
    if (rows.length === 0) return null;
    const numbers = side => rows.map(row => row.rk[side]).filter(value => value !== null);
    const side = state.side === 'L' && numbers('L').length > 0 ? 'L' : numbers('R').length > 0 ? 'R' : 'L';
    const lines = numbers(side);
    return {
      file: form.files[state.current.rk.file].data.path,
      side,
      line: Math.min(...lines),
      end_line: Math.max(...lines)
    };
  }

  function comment() {
    if (!state.current) moveTo(form.rows[0], { focus: false });
    const where = place();
    if (where) form.compose(where);
  }

  function hunk(step) {
    for (let next = at() + step; next >= 0 && next < form.rows.length; next += step)
      if (form.rows[next].rkHunk) return form.rows[next];
    return null;
  }

  const step = n => form.rows[Math.min(Math.max(at() + n, 0), form.rows.length - 1)];
  const keys = {
    j: () => moveTo(step(1)),
    k: () => moveTo(step(-1)),
    ArrowDown: event => moveTo(step(1), { extend: event.shiftKey }),
    ArrowUp: event => moveTo(step(-1), { extend: event.shiftKey }),
    J: () => moveTo(step(1), { extend: true }),
    K: () => moveTo(step(-1), { extend: true }),
    PageDown: () => moveTo(step(PAGE)),
    PageUp: () => moveTo(step(-PAGE)),
    Home: () => moveTo(form.rows[0]),
    End: () => moveTo(form.rows.at(-1)),
    n: () => moveTo(hunk(1)),
    p: () => moveTo(hunk(-1)),
    c: comment,
    Enter: comment,
    Escape: () => moveTo(state.current)
  };

  function onKey(event) {
    if (!event.target.classList.contains('rk-row')) return void ctx.accel(event);
    if (event.ctrlKey || event.metaKey || event.altKey) return void ctx.accel(event);
    const letter = event.key.length === 1;
    if (letter && !ctx.env.singleKeys) return;
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act(event);
  }

  const rowOf = event => event.target.closest?.('.rk-row') ?? null;
  const inNumbers = event => event.target.closest?.('.rk-no') ?? null;

  function onDown(event) {
    const row = rowOf(event);
    const cell = inNumbers(event);
    if (!row || !cell || event.button !== 0) return;
    event.preventDefault();
    moveTo(row, { extend: event.shiftKey && state.current !== null });
    if (!event.shiftKey) state.side = cell.dataset.side === 'L' && row.rk.L !== null ? 'L' : null;
    state.dragging = true;
  }

  function onOver(event) {
    const row = state.dragging ? rowOf(event) : null;
    if (row && row !== state.current) moveTo(row, { extend: true, scroll: false });
  }

  function onUp() {
    if (!state.dragging) return;
    state.dragging = false;
    comment();
  }

  function onClick(event) {
    const row = rowOf(event);
    if (!row || inNumbers(event) || String(document.getSelection()) !== '') return;
    moveTo(row, { scroll: false, extend: event.shiftKey });
  }

  root.addEventListener('keydown', onKey);
  root.addEventListener('mousedown', onDown);
  root.addEventListener('mouseover', onOver);
  root.addEventListener('click', onClick);
  document.addEventListener('mouseup', onUp);

  return {
    get current() {
      return state.current;
    },
    moveTo,
    comment,
    place,
    /** Rows were built or folded: make sure that one visible row can be reached with Tab. */
    reset() {
      if (!form.rows.includes(state.current)) {
        state.current = null;
        state.anchor = null;
        state.marked = [];
        if (form.rows[0]) moveTo(form.rows[0], { focus: false });
      }
    },
    dispose() {
      document.removeEventListener('mouseup', onUp);
    }
  };
}

/** The place of a remark about the whole change. */
const WHOLE = { file: null, side: 'R', line: null, end_line: null };

/** The bar above the files: view, buttons for what keys do, and the keys. */
function toolbar(form) {
  const { t } = form.ctx;
  form.views = ['unified', 'split'].map(view =>
    h(
      'button',
      { class: 'rk-toggle', on: { click: () => form.setView(view) } },
      view === 'unified' ? t('Unified') : t('Split')
    )
  );
  form.commentButton = h(
    'button',
    { class: 'rk-button', on: { click: () => form.steer.comment() } },
    t('Comment on line')
  );
  form.wholeButton = h(
    'button',
    { class: 'rk-button', on: { click: () => form.compose(WHOLE) } },
    t('Comment on the whole change')
  );
  const keys = [
    ['j k ↓ ↑', t('next, previous line')],
    ['n p', t('next, previous hunk')],
    ['Shift+↓ ↑', t('select several lines')],
    ['c Enter', t('comment')],
    ['Ctrl+Enter', t('save')],
    ['Esc', t('back')]
  ];
  const help = h(
    'details',
    { class: 'rk-keys' },
    h('summary', {}, t('Keys')),
    h(
      'dl',
      {},
      keys.map(([key, what]) =>
        h(
          'div',
          {},
          h(
            'dt',
            {},
            key.split(' ').map(one => [h('kbd', {}, one), ' '])
          ),
          h('dd', {}, what)
        )
      )
    )
  );
  return h(
    'div',
    { class: 'rk-toolbar' },
    h('div', { class: 'rk-toggles', role: 'group', 'aria-label': t('View') }, form.views),
    form.commentButton,
    form.wholeButton,
    h('span', { class: 'rk-grow' }),
    help
  );
}

/** The frame of one file: head with fold and counts, remarks about the whole file, and the place of its rows. */
function fileNode(form, file) {
  const { t, tn } = form.ctx;
  const { data } = file;
  const title = uid();
  file.grid = h('div', { class: 'rk-grid-place', id: uid() });
  file.notes = h('div', { class: 'rk-notes' });
  const slash = data.path.lastIndexOf('/') + 1;
  file.toggle = h(
    'button',
    {
      class: 'rk-fold',
      'aria-expanded': 'false',
      'aria-controls': file.grid.id,
      on: { click: () => (file.open ? form.shut(file) : form.open(file)) }
    },
    h('span', { class: 'rk-caret', 'aria-hidden': 'true' }),
    h('span', { class: 'rk-dim' }, data.path.slice(0, slash)),
    h('strong', {}, data.path.slice(slash))
  );
  file.comment = h(
    'button',
    {
      class: 'rk-link',
      'aria-label': t('Comment on file %1', data.path),
      on: { click: () => form.compose({ ...WHOLE, file: data.path }) }
    },
    t('Comment on file')
  );
  const status = { added: t('added'), removed: t('removed'), modified: t('modified') }[data.status];
  file.count = h('span', { class: 'rk-dim' });
  file.node = h(
    'section',
    { class: 'rk-file', 'aria-labelledby': title },
    h(
      'div',
      { class: 'rk-file-head' },
      h('h4', { id: title }, file.toggle),
      h('span', { class: 'rk-tag' }, status),
      h('span', { class: 'rk-plus' }, `+${data.added}`),
      h('span', { class: 'rk-minus' }, `−${data.removed}`),
      file.count,
      h('span', { class: 'rk-grow' }),
      file.comment
    ),
    file.notes,
    file.grid
  );
  file.count.textContent = tn('%1 row', '%1 rows', data.size);
  return file.node;
}

const ROWS_OPEN_MAX = 3000;

/** The review surface: files, their changed lines, and remarks at their places. */
class ChangeForm {
  constructor(ctx) {
    this.ctx = ctx;
    const { spec } = ctx;
    this.severities = words(spec.severities).length > 0 ? words(spec.severities) : SEVERITIES;
    this.categories = words(spec.categories);
    this.split = (taste.get('view') ?? ctx.env.view) === 'split';
    this.remarks = new Map();
    this.composers = new Map();
    this.rows = [];
    this.files = cleanFiles(spec).map((data, at) => ({ data, at, open: false, rows: [] }));
    this.card = card(ctx, {
      title: text(spec.title, 300) || ctx.t('The change'),
      kind: 'rk-change',
      label: ctx.t('Change under review')
    });
    this.node = this.card.node;
    this.#frame();
    this.steer = steer(this);
    let room = ROWS_OPEN_MAX;
    for (const file of this.files) {
      room -= file.data.size;
      if (room >= 0 || file.at === 0) this.open(file);
    }
    this.#restoreDrafts();
    this.update();
  }

  #frame() {
    const { t, tn } = this.ctx;
    const sum = key => this.files.reduce((total, file) => total + file.data[key], 0);
    this.card.aside.append(
      h('span', {}, tn('%1 file', '%1 files', this.files.length)),
      h('span', { class: 'rk-plus' }, h('span', { class: 'rk-vh' }, t('lines added')), `+${sum('added')}`),
      h('span', { class: 'rk-minus' }, h('span', { class: 'rk-vh' }, t('lines removed')), `−${sum('removed')}`)
    );
    this.say = h('span', { class: 'rk-vh', role: 'status' });
    this.fileList = h('ul', { class: 'rk-list' });
    this.findingList = h('ol', { class: 'rk-list rk-findings' });
    this.findingTitle = h('h4', { id: uid() });
    const fileTitle = h('h4', { id: uid() }, t('Files'));
    this.fileList.setAttribute('aria-labelledby', fileTitle.id);
    this.findingList.setAttribute('aria-labelledby', this.findingTitle.id);
    this.wholeNotes = h('div', { class: 'rk-notes' });
    const description = text(this.ctx.spec.description, 50000);
    const about = description.trim()
      ? h(
          'details',
          { class: 'rk-about', open: taste.get('about') === 'open' },
          h('summary', {}, t('Author’s description')),
          markdown(description)
        )
      : null;
    about?.addEventListener('toggle', () => taste.set('about', about.open ? 'open' : 'shut'));
    this.main = h(
      'div',
      { class: 'rk-files' },
      this.files.map(file => fileNode(this, file))
    );
    append(this.card.body, [
      about,
      toolbar(this),
      this.wholeNotes,
      h(
        'div',
        { class: 'rk-columns' },
        h(
          'nav',
          { class: 'rk-side', 'aria-label': t('Files and findings') },
          fileTitle,
          this.fileList,
          this.findingTitle,
          this.findingList
        ),
        this.main
      ),
      this.say
    ]);
  }

  /** Build the rows of a file and show them. */
  open(file) {
    if (file.rows.length === 0 && file.data.size > 0) {
      const built = grid(this.ctx, file.data, file.at, this.split);
      fill(file.grid, built.node);
      file.rows = built.rows;
      file.byPlace = null;
      this.#place(file);
    }
    file.open = true;
    file.grid.hidden = false;
    file.toggle.setAttribute('aria-expanded', 'true');
    this.#index();
  }

  shut(file) {
    file.open = false;
    file.grid.hidden = true;
    file.toggle.setAttribute('aria-expanded', 'false');
    this.#index();
  }

  setView(view) {
    const split = view === 'split';
    taste.set('view', view);
    if (split === this.split) return;
    this.split = split;
    const here = this.steer.current?.rk ?? null;
    for (const file of this.files) {
      for (const node of file.rows.length > 0 ? [...this.remarks.values(), ...this.composers.values()] : [])
        if (file.grid.contains(node.row)) node.row.remove();
      file.rows = [];
      if (file.open) this.open(file);
      else fill(file.grid);
    }
    this.update();
    if (here)
      this.steer.moveTo(
        this.rows.find(
          row => row.rk.file === here.file && (row.rk.R === here.R || (here.L !== null && row.rk.L === here.L))
        ) ?? this.rows[0],
        { focus: false }
      );
  }

  #index() {
    this.rows = this.files.filter(file => file.open).flatMap(file => file.rows);
    for (const file of this.files) file.byPlace = null;
    this.steer?.reset();
  }

  /** The row that shows a place, or null where the diff does not show it. */
  rowAt(place) {
    const file = this.files.find(one => one.data.path === place.file);
    if (!file || place.line === null) return null;
    file.byPlace ??= new Map(
      file.rows.flatMap(row =>
        [row.rk.L !== null && [`L${row.rk.L}`, row], row.rk.R !== null && [`R${row.rk.R}`, row]].filter(Boolean)
      )
    );
    for (let line = place.end_line ?? place.line; line >= place.line; line -= 1) {
      const row = file.byPlace.get(`${place.side}${line}`);
      if (row) return row;
    }
    return null;
  }

  /** Put a remark or composer below its line, or at the top of its file or of the change. */
  #attach(item, place) {
    const target = this.rowAt(place);
    item.row?.remove();
    if (target) {
      item.row = wideRow(item.node, 'rk-note-row');
      let after = target;
      while (after.nextElementSibling?.classList.contains('rk-note-row')) after = after.nextElementSibling;
      after.after(item.row);
    } else {
      item.row = h('div', { class: 'rk-note' }, item.node);
      const file = this.files.find(one => one.data.path === place.file);
      (file?.notes ?? this.wholeNotes).append(item.row);
    }
  }

  #place(file) {
    for (const item of [...this.remarks.values(), ...this.composers.values()])
      if (item.place.file === file.data.path) this.#attach(item, item.place);
  }

  /** Open the form for a new remark, or for a change to one. */
  compose(place, finding = null, { focus = true } = {}) {
    if (!writable(this.ctx)) return this.announce(lockedReason(this.ctx));
    const name = draftName(place, finding);
    let item = this.composers.get(name);
    if (!item) {
      const file = this.files.find(one => one.data.path === place.file);
      if (file && !file.open) this.open(file);
      const form = composer(this.ctx, {
        place,
        finding,
        severities: this.severities,
        categories: this.categories,
        close: saved => this.#closed(name, saved)
      });
      item = { ...form, place, finding, row: null, from: this.steer.current };
      this.composers.set(name, item);
      this.#attach(item, place);
      if (finding) this.remarks.get(finding.id)?.row.classList.add('rk-editing');
    }
    if (focus) {
      item.node.scrollIntoView({ block: 'nearest' });
      item.focus();
    }
  }

  #closed(name, saved) {
    const item = this.composers.get(name);
    this.composers.delete(name);
    item.row.remove();
    if (item.finding) this.remarks.get(item.finding.id)?.row.classList.remove('rk-editing');
    this.announce(saved ? this.ctx.t('Finding recorded.') : this.ctx.t('Closed without recording.'));
    const row = this.rowAt(item.place);
    if (row) this.steer.moveTo(row);
    else
      (item.place.file === null
        ? this.wholeButton
        : this.files.find(file => file.data.path === item.place.file)?.comment
      )?.focus();
  }

  #restoreDrafts() {
    for (const name of this.ctx.drafts.names('finding:')) {
      const draft = this.ctx.drafts.get(name);
      if (!draft?.open || !draft.place) continue;
      const finding = name.startsWith('finding:edit:')
        ? this.ctx.model.get('state').findings.get(name.slice('finding:edit:'.length))
        : null;
      if (finding === undefined) continue;
      this.compose(draft.place, finding, { focus: false });
    }
  }

  /** Tell people who cannot see the page. */
  announce(message) {
    this.say.textContent = message;
  }

  /** Draw what the record says now. */
  update() {
    const canWrite = writable(this.ctx);
    this.card.lock(lockedReason(this.ctx));
    for (const button of [this.commentButton, this.wholeButton, ...this.files.map(file => file.comment)])
      button.disabled = !canWrite;
    this.views.forEach((button, at) => button.setAttribute('aria-pressed', String((at === 1) === this.split)));
    if (canWrite && this.couldWrite === false) this.#restoreDrafts();
    this.couldWrite = canWrite;
    this.#updateRemarks(canWrite);
    drawLists(this);
  }

  #updateRemarks(canWrite) {
    const state = this.ctx.model.get('state');
    for (const [id, item] of this.remarks) {
      if (state.findings.has(id)) continue;
      item.row.remove();
      this.remarks.delete(id);
    }
    for (const finding of state.findings.values()) {
      const evidence = [...state.evidence.values()].filter(item => item.finding === finding.id);
      const print = JSON.stringify([{ ...finding, t: '' }, canWrite, evidence]);
      const old = this.remarks.get(finding.id);
      if (old?.print === print && old.row.isConnected === this.node.isConnected && old.row.parentNode) continue;
      old?.row.remove();
      const place = { file: finding.file, side: finding.side, line: finding.line, end_line: finding.end_line };
      const remove = () => {
        this.ctx.model.op('finding.deleted', { id: finding.id });
        this.announce(this.ctx.t('Finding deleted.'));
        const row = this.rowAt(place);
        if (row) this.steer.moveTo(row);
        else this.wholeButton.focus();
      };
      const node = remark(this.ctx, finding, {
        severities: this.severities,
        canWrite,
        remove,
        edit: () => this.compose(place, finding)
      });
      node.addEventListener('rk-leave', () => this.rowAt(place) && this.steer.moveTo(this.rowAt(place)));
      const item = { node, place, print, row: null };
      this.remarks.set(finding.id, item);
      this.#attach(item, place);
      item.row.classList.toggle('rk-editing', this.composers.has(draftName(place, finding)));
    }
  }

  showFile(file) {
    if (!file.open) this.open(file);
    file.node.scrollIntoView({ block: 'start' });
    file.rows[0] ? this.steer.moveTo(file.rows[0], { scroll: false }) : file.toggle.focus();
  }

  showFinding(id) {
    const item = this.remarks.get(id);
    const file = this.files.find(one => one.data.path === item?.place.file);
    if (file && !file.open) this.open(file);
    if (!item) return;
    item.node.scrollIntoView({ block: 'center' });
    item.node.focus({ preventScroll: true });
  }

  /** Commands of the palette and of the settings' shortcuts. */
  command(name) {
    if (name === 'comment') this.steer.comment();
    else if (name === 'comment-change') this.compose(WHOLE);
    else if (name === 'toggle-view') this.setView(this.split ? 'unified' : 'split');
    else if (name === 'next-finding') this.#nextFinding();
    else return false;
    return true;
  }

  #nextFinding() {
    const ids = [...this.ctx.model.get('state').findings.keys()];
    const at = ids.indexOf(document.activeElement?.closest?.('[data-finding]')?.getAttribute('data-finding') ?? '');
    if (ids.length > 0) this.showFinding(ids[(at + 1) % ids.length]);
  }

  dispose() {
    this.steer.dispose();
  }
}

/** Judge each claim of the author's description. */
function claims(ctx) {
  const frame = card(ctx, { title: ctx.t('What the author claims'), kind: 'rk-claims' });
  const items = labelled(ctx.spec.claims, 'text').map((claim, at) => claimRow(ctx, claim, at));
  frame.body.append(
    h(
      'p',
      { class: 'rk-lead' },
      ctx.t('Judge each sentence by the change itself. “Not shown” means that nothing here proves or refutes it.')
    ),
    h(
      'ol',
      { class: 'rk-claim-list' },
      items.map(item => item.node)
    )
  );
  const count = h('span', {});
  frame.aside.append(count);
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      for (const item of items) item.update(Boolean(reason));
      const judged = items.filter(item => ctx.model.get('state').claims.has(item.id)).length;
      count.textContent = ctx.t('%1 of %2 judged', judged, items.length);
    },
    dispose() {
      for (const item of items) item.dispose();
    }
  };
}

function claimRow(ctx, claim, at) {
  const labels = { true: ctx.t('True'), false: ctx.t('False'), 'not shown': ctx.t('Not shown') };
  const statement = uid();
  const verdict = choices(
    ctx.t('Claim %1', at + 1),
    JUDGEMENTS.map(id => ({ id, label: labels[id] })),
    { labelledby: statement }
  );
  const why = h('textarea', {
    rows: 1,
    'aria-label': ctx.t('Why, claim %1', at + 1),
    placeholder: ctx.t('Why? A line or a place is enough.')
  });
  const fields = h(
    'fieldset',
    { class: 'rk-plain' },
    h('legend', { class: 'rk-vh' }, ctx.t('Claim %1', at + 1)),
    h('div', { class: 'rk-claim-answer' }, verdict.node, why)
  );
  const saving = autosave(ctx, {
    name: `claim:${claim.id}`,
    root: fields,
    collect: () => ({ verdict: verdict.value, why: why.value.trim() }),
    show: value => {
      verdict.value = value.verdict;
      why.value = value.why ?? '';
    },
    recorded: () => ctx.model.get('state').claims.get(claim.id) ?? null,
    ready: value => value.verdict !== null,
    record: value => ctx.model.op('claim.judged', { claim: claim.id, ...value })
  });
  const node = h(
    'li',
    {},
    h('div', { class: 'rk-claim-text' }, h('q', { id: statement }, claim.label), saving.state),
    fields
  );
  return {
    id: claim.id,
    node,
    update(locked) {
      fields.disabled = locked;
      saving.update();
    },
    dispose: saving.dispose
  };
}

/** Close the review part; asked once. */
function close(ctx) {
  const frame = card(ctx, { title: ctx.t('Close the review part'), kind: 'rk-close' });
  const place = h('div', {});
  const ask = () => {
    const back = h('button', { class: 'rk-button', on: { click: offer } }, ctx.t('Keep reviewing'));
    fill(
      place,
      h('p', {}, h('strong', {}, ctx.t('Close the review part now? This is asked once and cannot be undone.'))),
      h(
        'div',
        { class: 'rk-actions' },
        h(
          'button',
          { class: 'rk-button rk-primary', on: { click: () => ctx.model.op('review.closed', {}) } },
          ctx.t('Close the review')
        ),
        back
      )
    );
    back.focus();
  };
  const button = h('button', { class: 'rk-button rk-primary', on: { click: ask } }, ctx.t('Close the review part…'));
  const offer = () => fill(place, h('div', { class: 'rk-actions' }, button));
  const text1 = ctx.t(
    'The exercises below open when you close the review part. You may still add findings afterwards; they are marked “after exercises” and reported apart.'
  );
  frame.body.append(h('p', { class: 'rk-lead' }, text1), place);
  offer();
  let shown = false;
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      button.disabled = Boolean(reason);
      if (ctx.model.get('state').closed === shown) return;
      shown = ctx.model.get('state').closed;
      if (!shown) return offer();
      const done = h(
        'p',
        { class: 'rk-done', role: 'status', tabindex: -1 },
        h('span', { 'aria-hidden': 'true' }, '✓ '),
        ctx.t('The review part is closed. The exercises are open.')
      );
      const focused = place.contains(document.activeElement);
      fill(place, done);
      if (focused) done.focus();
    },
    dispose() {}
  };
}

/** A live demonstration: its cell runs at a click. */
function probe(ctx) {
  const item = {
    id: text(ctx.spec.probe?.id, 80),
    title: text(ctx.spec.probe?.title, 300),
    about: text(ctx.spec.probe?.text, 2000)
  };
  const frame = card(ctx, {
    title: item.title || ctx.t('Probe'),
    kind: 'rk-probe',
    label: ctx.t('Probe: %1', item.title)
  });
  const run = runButton(ctx, ctx.t('Run this probe'));
  const last = h('span', { class: 'rk-last', role: 'status' });
  append(frame.body, [markdown(item.about), h('div', { class: 'rk-actions' }, run.node, last)]);
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      run.update(Boolean(reason));
      const seen = ctx.model.get('state').probes.get(item.id);
      last.textContent = seen ? `${ctx.t('Last run')} (${seen.tree}): ${seen.verdict}` : '';
    },
    dispose() {}
  };
}

function runButton(ctx, label) {
  const node = h(
    'button',
    { class: 'rk-button rk-primary', on: { click: () => ctx.model.act('run') } },
    h('span', { 'aria-hidden': 'true' }, '▶ '),
    label
  );
  return {
    node,
    update(locked) {
      node.disabled = locked || !ctx.model.can('run');
      node.title = ctx.model.can('run') ? '' : ctx.t('Run the cell with Shift+Enter.');
    }
  };
}

/** The frame of an exercise; its prompt and fields stay out of sight until the review part is closed. */
function exerciseCard(ctx, kind) {
  const item = ctx.spec.exercise ?? {};
  const id = text(item.id, 80);
  const title = text(item.title, 300) || ctx.t('Exercise');
  const frame = card(ctx, { title, kind: `rk-exercise rk-${kind}`, label: ctx.t(kind === 'task' ? 'Task: %1' : 'Exercise: %1', title) });
  const prompt = h('div', {}, item.prompt ? markdown(text(item.prompt, 8000)) : null);
  frame.body.append(prompt);
  const kept = kind === 'mend' ? prompt : frame.body; // its files lie open in cells anyway
  const lock = reason => {
    kept.hidden = !ctx.model.get('state').closed || opensAt(ctx, { kind, id }) > 0;
    frame.lock(reason);
  };
  return { frame: { ...frame, lock }, id, item };
}

/** What an exercise asks for, where its cells come between the task and the button that checks them. */
function task(ctx) {
  const { frame } = exerciseCard(ctx, 'task');
  return {
    node: frame.node,
    update() {
      frame.lock(exerciseLock(ctx, { kind: 'task', id: '' }));
    },
    dispose() {}
  };
}

/** Mend the change: shows which files differ, and runs the public checks. */
function mend(ctx) {
  const { frame, id, item } = exerciseCard(ctx, 'mend');
  const files = (Array.isArray(item.files) ? item.files : []).slice(0, 100).map(file => text(file, 400));
  const list = h('ul', { class: 'rk-mend-files', 'aria-label': ctx.t('Files to mend') });
  const run = runButton(ctx, ctx.t('Run the public checks'));
  const results = h('div', { class: 'rk-results', role: 'status' });
  const note = h(
    'p',
    { class: 'rk-hint' },
    ctx.t('Edit the cells that carry these files; run a cell to load it. Your edits are recorded as you pause.')
  );
  append(frame.body, [note, list, h('div', { class: 'rk-actions' }, run.node), results]);
  return {
    node: frame.node,
    update() {
      const reason = exerciseLock(ctx, { kind: 'mend', id });
      frame.lock(reason);
      run.update(Boolean(reason));
      const work = ctx.model.get('state').exercises.get(id);
      const edited = ctx.model.get('edited');
      const isEdited = file => edited?.get(`${id} ${file}`) ?? work?.files.has(file) ?? false;
      fill(
        list,
        files.map(file =>
          h(
            'li',
            {},
            h('code', {}, file),
            h(
              'span',
              { class: isEdited(file) ? 'rk-tag rk-on' : 'rk-tag' },
              isEdited(file) ? ctx.t('edited') : ctx.t('as in the change')
            )
          )
        )
      );
      const rows = work?.results ?? [];
      fill(
        results,
        rows.length > 0 &&
          h(
            'div',
            { class: 'rk-part-label' },
            ctx.t('Last run: %1 of %2 public checks passed', rows.filter(row => row.passed).length, rows.length)
          )
      );
      if (rows.length > 0)
        results.append(
          h(
            'ul',
            { class: 'rk-checks' },
            rows.map(row =>
              h(
                'li',
                {},
                h(
                  'span',
                  { class: row.passed ? 'rk-pass' : 'rk-fail' },
                  row.passed ? `✓ ${ctx.t('passed')}` : `✗ ${ctx.t('failed')}`
                ),
                h('code', {}, row.check),
                row.seen && h('span', {}, row.seen)
              )
            )
          )
        );
    },
    dispose() {}
  };
}

/** An exercise that is answered in text fields: `explain` has one, `diagnose` four. */
function written(ctx, kind, parts, pack, unpack) {
  const { frame, id } = exerciseCard(ctx, kind);
  const fields = parts.map(part =>
    field(part.label, h('textarea', { rows: part.rows, spellcheck: 'true' }), { wide: true })
  );
  const root = h(
    'fieldset',
    { class: 'rk-plain' },
    h('legend', { class: 'rk-vh' }, ctx.t('Your answer')),
    fields.map(one => one.node)
  );
  const collect = () => pack(fields.map(one => one.control.value.trim()));
  const saving = autosave(ctx, {
    name: `answer:${id}`,
    root,
    collect,
    // A field that says the same is left alone: a caret stays in it.
    show: value =>
      unpack(value).forEach((part, at) => {
        if (fields[at].control.value.trim() !== text(part)) fields[at].control.value = text(part);
      }),
    answers: () => answersTo(ctx, id),
    recorded: () => ctx.model.get('state').exercises.get(id)?.answer ?? null,
    record: answer => ctx.model.op('exercise.answered', { exercise: id, answer })
  });
  frame.body.append(root);
  frame.aside.append(saving.state);
  return {
    node: frame.node,
    update() {
      const reason = exerciseLock(ctx, { kind, id });
      frame.lock(reason);
      root.disabled = Boolean(reason);
      saving.update();
    },
    dispose: saving.dispose
  };
}

/** Explain something in your own words. */
function explain(ctx) {
  return written(
    ctx,
    'explain',
    [{ label: ctx.t('Your explanation'), rows: 6 }],
    ([words]) => ({ text: words }),
    answer => [answer.text]
  );
}

/** Diagnose a degraded system. */
function diagnose(ctx) {
  const parts = [
    { label: ctx.t('Cause: what is going on?'), rows: 3 },
    { label: ctx.t('Evidence: what in the recording shows it?'), rows: 3 },
    { label: ctx.t('Fix: what would you do?'), rows: 3 },
    { label: ctx.t('Trade-off: what does the fix cost?'), rows: 2 }
  ];
  const keys = ['cause', 'evidence', 'fix', 'trade_off'];
  return written(
    ctx,
    'diagnose',
    parts,
    values => Object.fromEntries(keys.map((key, at) => [key, values[at]])),
    answer => keys.map(key => answer[key])
  );
}

/** Follow a request through the layers: an ordered list and a select per mark, all buttons and native fields. */
function trace(ctx) {
  const { frame, id, item } = exerciseCard(ctx, 'trace');
  const layers = labelled(item.layers, 'label');
  const marks = labelled(item.marks, 'label');
  const name = layer => layers.find(one => one.id === layer)?.label ?? layer;
  let order = [];
  const route = h('ol', { class: 'rk-route' });
  const rest = h('ul', { class: 'rk-rest' });
  const say = h('span', { class: 'rk-vh', role: 'status' });
  const selects = marks.map(mark =>
    field(
      mark.label,
      h(
        'select',
        {},
        h('option', { value: '' }, ctx.t('Choose a layer…')),
        layers.map(layer => h('option', { value: layer.id }, layer.label))
      )
    )
  );
  const notes = field(
    ctx.t('Notes to your drawing'),
    h('textarea', { rows: 3, spellcheck: 'true' }),
    { wide: true, hint: ctx.t('optional: what is unsure, what you would ask') }
  );
  const titles = [
    h('h4', { id: uid() }, ctx.t('Route, first to last')),
    h('h4', { id: uid() }, ctx.t('Layers not on the route'))
  ];
  route.setAttribute('aria-labelledby', titles[0].id);
  rest.setAttribute('aria-labelledby', titles[1].id);
  const root = h(
    'fieldset',
    { class: 'rk-plain' },
    h('legend', { class: 'rk-vh' }, ctx.t('Your answer')),
    h('div', { class: 'rk-trace-columns' }, h('div', {}, titles[1], rest), h('div', {}, titles[0], route)),
    marks.length > 0 && h('h4', {}, ctx.t('On which layer?')),
    h(
      'div',
      { class: 'rk-fields' },
      selects.map(one => one.node),
      notes.node
    ),
    say
  );
  const change = (next, message, focus) => {
    order = next;
    draw();
    say.textContent = message;
    root.querySelector(focus)?.focus();
    saving.touched();
  };
  /** Another page changed the drawing: a button that has the focus keeps it, or gives it to the drawing. */
  const redraw = () => {
    const act = root.contains(document.activeElement) ? document.activeElement.dataset.act : undefined;
    draw();
    if (!act) return;
    say.textContent = ctx.t('The drawing was changed in another page');
    (root.querySelector(`[data-act="${CSS.escape(act)}"]:not(:disabled)`) ?? root.querySelector('.rk-route button:not(:disabled), .rk-rest button'))?.focus();
  };
  const draw = () => {
    const act = (label, sign, disabled, click, key) =>
      h(
        'button',
        { class: 'rk-icon', 'aria-label': label, title: label, disabled, 'data-act': key, on: { click } },
        sign
      );
    fill(
      route,
      order.length === 0
        ? h('li', { class: 'rk-empty' }, ctx.t('Empty. Add the layers in the order in which the request crosses them.'))
        : order.map((layer, at) => {
            const move = to =>
              change(
                order.toSpliced(at, 1).toSpliced(to, 0, layer),
                ctx.t('%1 is now number %2', name(layer), to + 1),
                `[data-act="${CSS.escape(`${to < at ? 'up' : 'down'}:${layer}`)}"]:not(:disabled), [data-act="${CSS.escape(`${to < at ? 'down' : 'up'}:${layer}`)}"]`
              );
            return h(
              'li',
              {},
              h('span', { class: 'rk-route-name' }, name(layer)),
              act(ctx.t('Move %1 up', name(layer)), '↑', at === 0, () => move(at - 1), `up:${layer}`),
              act(
                ctx.t('Move %1 down', name(layer)),
                '↓',
                at === order.length - 1,
                () => move(at + 1),
                `down:${layer}`
              ),
              act(
                ctx.t('Take %1 off the route', name(layer)),
                '×',
                false,
                () =>
                  change(
                    order.toSpliced(at, 1),
                    ctx.t('%1 taken off', name(layer)),
                    `[data-act="${CSS.escape(`add:${layer}`)}"]`
                  ),
                `off:${layer}`
              )
            );
          })
    );
    const off = layers.filter(layer => !order.includes(layer.id));
    fill(
      rest,
      off.length === 0
        ? h('li', { class: 'rk-empty' }, ctx.t('All layers are on the route.'))
        : off.map(layer =>
            h(
              'li',
              {},
              h('span', { class: 'rk-route-name' }, layer.label),
              act(
                ctx.t('Add %1 to the route', layer.label),
                '+',
                false,
                () =>
                  change(
                    [...order, layer.id],
                    ctx.t('%1 added as number %2', layer.label, order.length + 1),
                    '.rk-rest button'
                  ),
                `add:${layer.id}`
              )
            )
          )
    );
  };
  const saving = autosave(ctx, {
    name: `answer:${id}`,
    root,
    collect: () => ({
      order,
      marks: Object.fromEntries(
        marks.map((mark, at) => [mark.id, selects[at].control.value]).filter(([, value]) => value)
      ),
      ...(notes.control.value.trim() && { notes: notes.control.value })
    }),
    show: value => {
      order = (Array.isArray(value.order) ? value.order : []).filter(layer => layers.some(one => one.id === layer));
      marks.forEach((mark, at) => (selects[at].control.value = text(value.marks?.[mark.id], 80)));
      if (notes.control.value !== text(value.notes)) notes.control.value = text(value.notes);
      redraw();
    },
    answers: () => answersTo(ctx, id),
    recorded: () => ctx.model.get('state').exercises.get(id)?.answer ?? null,
    record: answer => ctx.model.op('exercise.answered', { exercise: id, answer })
  });
  draw();
  frame.body.append(root);
  frame.aside.append(saving.state);
  return {
    node: frame.node,
    update() {
      const reason = exerciseLock(ctx, { kind: 'trace', id });
      frame.lock(reason);
      root.disabled = Boolean(reason);
      saving.update();
    },
    dispose: saving.dispose
  };
}

const SIGNS = { ok: '✓', wait: '…', bad: '!' };

/** How sending to the intake stands: `[tone, words]`, or null where nothing is sent. */
function deliveryWords(ctx, status, state) {
  const { delivery } = status;
  if (!delivery || status.mode !== 'live' || (status.terms && !state.agreed)) return null;
  const { t } = ctx;
  if (delivery.phase === 'offline') return ['bad', t('Offline: kept here, sent later')];
  if (delivery.phase === 'refused') return ['bad', t('Not sent: %1', text(delivery.message, 400))];
  if (delivery.phase !== 'sent' || status.recorded > delivery.sent_n) return ['wait', t('Sending…')];
  if (state.submitted) return delivery.receipt ? ['ok', t('Handed in')] : ['wait', t('Handing in…')];
  return ['ok', t('Sent')];
}

/** What a candidate reads after submitting: where the work is, and what to do when it could not be sent. */
function handInWords(ctx, status) {
  const { delivery, terms } = status;
  if (!terms) return '';
  const { t } = ctx;
  const file = t('Download the notebook and send it to the people who invited you; they add it with: reviewkit intake add FILE --invite %1', text(status.record, 80));
  if (!terms.intake) return `${t('Submitted and recorded.')} ${file}`;
  if (delivery?.receipt) return t('Handed in. Receipt: %1. You can close this page.', text(delivery.receipt, 80));
  if (delivery?.phase === 'refused') return `${t('Recorded here, but not handed in: %1', text(delivery.message, 400))} ${file}`;
  if (delivery?.phase === 'offline')
    return `${t('Recorded here, but the network failed: it is handed in by itself when the connection is back and this server still runs.')} ${file}`;
  return t('Recorded. Handing in…');
}

/** The second half of the status line, as it is seen. */
function deliveryChip(ctx) {
  const shape = h('span', { class: 'rk-dot', 'aria-hidden': 'true' });
  const label = h('span', { class: 'rk-delivery-text' });
  const node = h('span', { class: 'rk-delivery', hidden: true }, shape, label);
  return {
    node,
    update() {
      const found = deliveryWords(ctx, ctx.model.get('status'), ctx.model.get('state'));
      node.hidden = !found;
      if (!found) return;
      const [tone, words] = found;
      shape.className = `rk-dot rk-dot-${tone}`;
      shape.textContent = SIGNS[tone];
      if (label.textContent !== words) label.textContent = words;
      label.title = words;
    }
  };
}

/** Decide: approve, request changes or block, with a summary and the three findings that matter most. */
function verdict(ctx) {
  const frame = card(ctx, { title: ctx.t('Your verdict'), kind: 'rk-verdict' });
  const labels = { approve: ctx.t('Approve'), 'request changes': ctx.t('Request changes'), block: ctx.t('Block') };
  const decision = choices(
    ctx.t('Decision'),
    DECISIONS.map(id => ({ id, label: labels[id] }))
  );
  const summary = field(ctx.t('Summary for the author and the team'), h('textarea', { rows: 4, spellcheck: 'true' }), {
    wide: true
  });
  const ordinals = [ctx.t('Most important finding'), ctx.t('Second'), ctx.t('Third')];
  const tops = ordinals.map(label => field(label, h('select', {}), { wide: true }));
  const chosen = () => tops.map(top => top.control.value).filter(Boolean);
  const root = h(
    'fieldset',
    { class: 'rk-plain' },
    h('legend', { class: 'rk-vh' }, ctx.t('Your verdict')),
    decision.node,
    summary.node,
    h(
      'div',
      { class: 'rk-tops' },
      tops.map(top => top.node)
    )
  );
  const saving = autosave(ctx, {
    name: 'verdict',
    root,
    collect: () => ({ decision: decision.value, summary: summary.control.value.trim(), top: [...new Set(chosen())] }),
    show: value => {
      decision.value = value.decision;
      summary.control.value = value.summary ?? '';
      options(Array.isArray(value.top) ? value.top : []);
    },
    recorded: () => ctx.model.get('state').verdict,
    ready: value => value.decision !== null,
    record: value => ctx.model.op('verdict.given', value)
  });
  function options(picked) {
    const findings = [...ctx.model.get('state').findings.values()];
    tops.forEach((top, at) => {
      const mine = findings.some(finding => finding.id === picked[at]) ? picked[at] : '';
      const taken = picked.filter((id, other) => id && other !== at);
      fill(
        top.control,
        h('option', { value: '' }, ctx.t('Choose a finding…')),
        findings
          .filter(finding => !taken.includes(finding.id))
          .map(finding =>
            h(
              'option',
              { value: finding.id },
              `#${finding.number} · ${capital(finding.severity)} · ${placeText(ctx, finding)} · ${gist(finding, 70)}`
            )
          )
      );
      top.control.value = mine;
    });
  }
  for (const top of tops) top.control.addEventListener('change', () => options(tops.map(one => one.control.value)));
  frame.body.append(root);
  frame.aside.append(saving.state);
  let print = null;
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      root.disabled = Boolean(reason);
      const now = JSON.stringify([...ctx.model.get('state').findings.values()]);
      if (now !== print) {
        print = now;
        options(tops.map(top => top.control.value));
      }
      saving.update();
    },
    dispose: saving.dispose
  };
}

/** What is there and what is missing, from the forms of this notebook. */
function inventory(ctx) {
  const state = ctx.model.get('state');
  const forms = ctx.model.get('forms');
  const { t } = ctx;
  const rows = [{ done: state.findings.size > 0, label: t('Findings'), value: String(state.findings.size) }];
  const claims = forms
    .filter(form => form.form === 'claims')
    .flatMap(form => (Array.isArray(form.claims) ? form.claims : []));
  const judged =
    claims.length > 0 ? claims.filter(claim => state.claims.has(text(claim?.id, 80))).length : state.claims.size;
  if (claims.length > 0 || judged > 0)
    rows.push({
      done: judged >= claims.length,
      label: t('Claims judged'),
      value: claims.length > 0 ? t('%1 of %2', judged, claims.length) : String(judged)
    });
  rows.push({ done: state.closed, label: t('Review part'), value: state.closed ? t('closed') : t('open') });
  for (const form of forms) {
    if (!['mend', 'trace', 'diagnose', 'explain'].includes(form.form)) continue;
    const work = state.exercises.get(text(form.exercise?.id, 80));
    const done = form.form === 'mend' ? (work?.files.size ?? 0) > 0 : work?.answer != null;
    rows.push({
      done,
      label: text(form.exercise?.title, 300),
      value: done ? (form.form === 'mend' ? t('edited') : t('answered')) : t('missing')
    });
  }
  rows.push({
    done: state.verdict !== null,
    label: t('Verdict'),
    value: state.verdict ? t(capital(state.verdict.decision)) : t('missing')
  });
  return rows;
}

/** Hand in. */
function submit(ctx) {
  const frame = card(ctx, { title: ctx.t('Submit'), kind: 'rk-submit' });
  const list = h('ul', { class: 'rk-inventory' });
  const say = h('p', { class: 'rk-say', role: 'status' });
  const actions = h('div', { class: 'rk-actions' });
  const download = h(
    'button',
    { class: 'rk-button', on: { click: () => ctx.model.act('download') } },
    ctx.t('Download my answers')
  );
  const handIn = h(
    'button',
    { class: 'rk-button', on: { click: () => ctx.model.act('notebook') } },
    ctx.t('Download the notebook to hand in')
  );
  const file = () => ctx.model.get('state').submitted && ctx.model.get('status').terms && ctx.model.can('notebook') && handIn;
  let busy = false;
  const send = async () => {
    busy = true;
    offer();
    say.textContent = ctx.t('Sending and saving…');
    const answer = await ctx.model.act('submit');
    busy = false;
    say.textContent = answer || handInWords(ctx, ctx.model.get('status'));
    offer();
    download.focus();
  };
  const button = h(
    'button',
    { class: 'rk-button rk-primary', on: { click: () => confirm() } },
    ctx.t('Submit my work…')
  );
  const confirm = () => {
    const back = h(
      'button',
      {
        class: 'rk-button',
        on: {
          click: () => {
            offer();
            button.focus();
          }
        }
      },
      ctx.t('Not yet')
    );
    const missing = inventory(ctx).filter(row => !row.done).length;
    const question =
      missing > 0
        ? ctx.tn(
            '%1 part is missing. Submit anyway? Nothing can be changed afterwards.',
            '%1 parts are missing. Submit anyway? Nothing can be changed afterwards.',
            missing
          )
        : ctx.t('Submit now? Nothing can be changed afterwards.');
    fill(
      actions,
      h('strong', {}, question),
      h('button', { class: 'rk-button rk-primary', on: { click: send } }, ctx.t('Submit now')),
      back
    );
    back.focus();
  };
  const offer = () => fill(actions, !ctx.model.get('state').submitted && button, file(), download);
  frame.body.append(list, actions, say);
  offer();
  let submitted = null;
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      button.disabled = Boolean(reason) || busy;
      fill(
        list,
        inventory(ctx).map(row =>
          h(
            'li',
            {},
            h(
              'span',
              { class: row.done ? 'rk-pass' : 'rk-open' },
              h('span', { 'aria-hidden': 'true' }, row.done ? '✓' : '○'),
              h('span', { class: 'rk-vh' }, row.done ? ctx.t('done') : ctx.t('missing'))
            ),
            h('span', {}, row.label),
            h('span', { class: 'rk-dim' }, row.value)
          )
        )
      );
      const state = ctx.model.get('state');
      const words = state.submitted && !busy ? handInWords(ctx, ctx.model.get('status')) : '';
      if (words && say.textContent !== words) say.textContent = words;
      if (state.submitted === submitted) return;
      submitted = state.submitted;
      offer();
      if (submitted && !say.textContent) say.textContent = ctx.t('Submitted at %1.', clockTime(submitted));
    },
    dispose() {}
  };
}

const MINUTE_MS = 60000;

/**
 * Whether somebody may be following now: `{alone, words}`, or null where nobody can, or it no longer matters.
 * `alone`: nobody watches, and the candidate may let them sooner.
 */
function watchWords(ctx, status, state) {
  const { terms } = status;
  if (!terms?.intake || status.mode !== 'live' || !state.agreed || state.submitted) return null;
  const until = Date.parse(state.agreed) + (Number(terms.focus_minutes) || 0) * MINUTE_MS;
  const left = Math.ceil((until - Date.now() - status.clockOffset) / MINUTE_MS);
  // Without a time that can be read, nobody is promised to be alone.
  if (state.followed || !(left > 0)) return { alone: false, words: ctx.t('An interviewer may be following') };
  return { alone: true, words: ctx.tn('Nobody is following, for another %1 minute', 'Nobody is following, for another %1 minutes', left) };
}

/** What the first screen says of it. */
function watchTerms(ctx, terms) {
  if (!terms.intake) return ctx.t('Nobody: nothing is sent while you work.');
  const after = ctx.t('An interviewer may follow what is recorded, as you record it.');
  if (!(terms.focus_minutes > 0)) return after;
  return ctx.t('For the first %1 minutes nobody: you work alone. After that, or sooner if you press a button (which is recorded), an interviewer may follow what is recorded, as you record it.', terms.focus_minutes);
}

/** The words, and the button that ends the focus time. */
function watchChip(ctx) {
  const label = h('span', { class: 'rk-watch-text', tabindex: -1 });
  const open = () => ctx.model.op('focus.ended', {}, `focus-ended-${ctx.model.get('status').record}`.slice(0, 80));
  const button = h('button', { class: 'rk-link', on: { click: open } }, ctx.t('Let them follow now'));
  const node = h('span', { class: 'rk-watch', hidden: true }, label, button);
  return {
    node,
    update() {
      const found = watchWords(ctx, ctx.model.get('status'), ctx.model.get('state'));
      node.hidden = !found;
      if (!found) return;
      if (label.textContent !== found.words) label.textContent = found.words;
      if (document.activeElement === button && !found.alone) label.focus(); // the button goes away; the place must not
      button.hidden = !found.alone;
    }
  };
}

const SETTLE_MS = [300, 1000, 2500]; // the cells above get their height little by little

/** Who gets the record, in one sentence. */
function reader(ctx, terms) {
  const to = text(terms.intake, 200);
  return to
    ? ctx.t('The people who invited you. It is sent to %1 as you work.', to)
    : ctx.t('The people who invited you. Nothing is sent: at the end you hand in a file.');
}

/** Which stage is open when, where the invite says so. */
function days(ctx, terms) {
  const opens = name => Number(terms.stages?.[name]) * 1000;
  const lines = [
    ['architecture', at => ctx.t('The architecture (drawing and explanation): from %1.', at)],
    ['degraded', at => ctx.t('The system in trouble: from %1.', at)]
  ];
  const found = lines.filter(([name]) => opens(name) > 0).map(([name, say]) => say(dayTime(opens(name))));
  return found.length > 0 ? h('ul', {}, [ctx.t('The review: now.'), ...found].map(line => h('li', {}, line))) : null;
}

/** The terms as a list of questions and answers. */
function termList(ctx, terms) {
  const recorded = asList(ctx.spec.recorded).map(item => h('li', {}, text(item, 300)));
  const rows = [
    [ctx.t('What is recorded'), recorded.length > 0 ? h('ul', {}, recorded) : ctx.t('What you write and run in this workbook.')],
    [ctx.t('What is not'), ctx.t('No keystrokes, no screen, no camera, no network traffic. You can see and download the record at any time.')],
    [ctx.t('Who reads it'), reader(ctx, terms)],
    [ctx.t('Who may watch'), watchTerms(ctx, terms)],
    [ctx.t('How long it is kept'), ctx.t('%1 days, as the people who invited you say; then they delete it.', terms.retention_days)],
    [ctx.t('AI assistants'), text(terms.policy, 2000)],
    [ctx.t('Time'), ctx.t('%1 minutes, counted from when you agree. You may stop and come back.', terms.minutes)],
    [ctx.t('What opens when'), days(ctx, terms)]
  ].filter(([, value]) => value !== null);
  return h(
    'dl',
    { class: 'rk-terms' },
    rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))
  );
}

/**
 * The first screen: what is recorded, who reads it, for how long, and the policy on AI assistants. Nothing is recorded until
 * the candidate agrees; afterwards it stays in reach, folded.
 */
function consent(ctx) {
  const title = uid('rk-consent');
  const node = h('section', { class: 'rk-consent', 'aria-labelledby': title, hidden: true });
  const say = h('p', { class: 'rk-say', role: 'status' });
  let shown = '';

  const agree = terms => {
    const data = { policy_text: terms.policy_text, retention_days: terms.retention_days, intake: terms.intake };
    // The fixed id makes it one event however many tabs agree.
    ctx.model.op('consent.given', data, `consent-${ctx.model.get('status').record}`.slice(0, 80));
  };

  function ask(terms) {
    const yes = h('button', { class: 'rk-button rk-primary', on: { click: () => agree(terms) } }, ctx.t('I agree, begin'));
    const leave = () =>
      (say.textContent = ctx.t('Nothing was recorded. You can close this page, and tell the people who invited you what holds you back.'));
    const no = h('button', { class: 'rk-button', on: { click: leave } }, ctx.t('I do not agree'));
    say.textContent = '';
    fill(
      node,
      h('h2', { id: title, class: 'rk-title' }, ctx.t('Before you begin')),
      termList(ctx, terms),
      h('div', { class: 'rk-actions' }, yes, no),
      say
    );
    bringIntoView();
  }

  /** Below the title the buttons may lie out of sight. Nobody should have to look for them; who scrolls or types is left alone. */
  function bringIntoView() {
    const timers = SETTLE_MS.map(wait => setTimeout(() => node.isConnected && node.scrollIntoView({ block: 'nearest' }), wait));
    const leave = () => timers.forEach(clearTimeout);
    for (const event of ['wheel', 'keydown', 'pointerdown']) window.addEventListener(event, leave, { once: true, capture: true });
  }

  function keep(terms) {
    const focused = node.contains(document.activeElement);
    const summary = h('summary', { id: title }, ctx.t('What you agreed to'));
    fill(node, h('details', {}, summary, termList(ctx, terms)));
    if (focused) summary.focus();
  }

  return {
    node,
    update() {
      const { terms, mode, loaded } = ctx.model.get('status');
      const { agreed } = ctx.model.get('state');
      const next = !terms || mode !== 'live' || !loaded ? 'none' : agreed ? 'agreed' : 'asked';
      if (next === shown) return;
      shown = next;
      node.hidden = next === 'none';
      node.classList.toggle('rk-asking', next === 'asked');
      if (next === 'asked') ask(terms);
      if (next === 'agreed') keep(terms);
    }
  };
}

const TICK_MS = 15000;
const DOTS = { ok: '✓', wait: '…', bad: '!', off: '–' };

/** How recording stands: `[tone, words]`. */
function recordWords(ctx, status, state) {
  const { t, tn } = ctx;
  if (status.mode === 'opening') return ['wait', t('Connecting…')];
  if (status.mode === 'readonly') return ['off', t('Read only, nothing is recorded')];
  if (status.mode === 'preview') return ['off', t('Preview, nothing is recorded')];
  if (status.full) return ['bad', t('Not saved: the browser’s storage is full. Download your answers.')];
  if (status.parked.length > 0)
    return ['bad', tn('%1 entry was refused', '%1 entries were refused', status.parked.length)];
  if (status.offline && status.waiting > 0)
    return [
      'bad',
      tn('%1 entry not sent, kept in this browser', '%1 entries not sent, kept in this browser', status.waiting)
    ];
  if (status.offline) return ['wait', t('No answer from the server; trying again')];
  if (status.terms && !state.agreed) return ['off', t('Nothing is recorded yet')];
  if (status.waiting > 0) return ['wait', t('Sending…')];
  return state.submitted ? ['ok', t('Submitted')] : ['ok', t('Everything is recorded')];
}

/**
 * The one place of a page that is read aloud, politely: trouble, its end, and what is done. Words that follow each entry
 * ("Sending…") are only seen.
 */
function announcer(ctx) {
  const node = h('span', { class: 'rk-vh', role: 'status' });
  const said = { record: '', delivery: '', watch: '' };
  let trouble = false;
  let alone = false;
  return {
    node,
    update() {
      const [status, state] = [ctx.model.get('status'), ctx.model.get('state')];
      const now = { ...said };
      const [tone, words] = recordWords(ctx, status, state);
      if (tone !== 'wait' || status.offline) now.record = words;
      const [sentTone, sentWords] = deliveryWords(ctx, status, state) ?? ['wait', ''];
      const isHandedIn = sentTone === 'ok' && Boolean(state.submitted);
      if (sentTone === 'bad' || isHandedIn || (trouble && sentTone === 'ok')) now.delivery = sentWords;
      const watch = watchWords(ctx, status, state);
      if (alone && watch && !watch.alone) now.watch = watch.words;
      alone = watch?.alone ?? false;
      if (sentTone !== 'wait') trouble = sentTone === 'bad';
      const fresh = ['record', 'delivery', 'watch'].filter(part => now[part] !== said[part]).map(part => now[part]);
      Object.assign(said, now);
      if (fresh.length > 0) node.textContent = fresh.join('. ');
    }
  };
}

/**
 * What both the form and the bar above the notebook show: recorded, sent, and the time box.
 * @param {any} ctx
 * @param {{minutes: number|null, spoken: boolean}} options `spoken`: whether this one is read aloud; only one of a page is
 */
function standing(ctx, { minutes, spoken }) {
  const sent = deliveryChip(ctx);
  const watch = watchChip(ctx);
  const shape = h('span', { class: 'rk-dot', 'aria-hidden': 'true' });
  const label = h('span', { class: 'rk-status-text' });
  const clock = h('span', { class: 'rk-clock' });
  const aloud = spoken ? announcer(ctx) : null;

  function tick() {
    watch.update();
    aloud?.update();
    const given = ctx.model.get('status').terms?.minutes ?? minutes; // an invite may change the time box
    const opened = Date.parse(fold(ctx.model.get('events').slice(0, 50)).opened ?? '');
    const now = Date.parse(ctx.model.get('state').submitted ?? '') || Date.now() + ctx.model.get('status').clockOffset;
    if (Number.isNaN(opened)) clock.textContent = given ? ctx.t('%1 minutes', given) : '';
    else {
      const spent = Math.max(0, Math.floor((now - opened) / 60000));
      clock.textContent = given ? ctx.t('%1 of %2 minutes', spent, given) : ctx.t('%1 minutes', spent);
    }
  }

  const timer = setInterval(tick, TICK_MS);
  return {
    nodes: [shape, label, sent.node, aloud?.node, h('span', { class: 'rk-grow' }), watch.node, clock],
    update() {
      const [tone, words] = recordWords(ctx, ctx.model.get('status'), ctx.model.get('state'));
      shape.className = `rk-dot rk-dot-${tone}`;
      shape.textContent = DOTS[tone];
      if (label.textContent !== words) label.textContent = words;
      label.title = words; // where the line is cut off
      sent.update();
      tick();
    },
    dispose: () => clearInterval(timer)
  };
}

/** The line above the notebook: in sight wherever one works. */
function bar(ctx) {
  const line = standing(ctx, { minutes: ctx.spec.minutes ?? null, spoken: true });
  const show = h(
    'button',
    { class: 'rk-link', on: { click: () => ctx.model.act('show-record') } },
    ctx.t('What was recorded')
  );
  return {
    node: h('section', { class: 'rk-bar', 'aria-label': ctx.t('State of the record') }, line.nodes, show),
    update: line.update,
    dispose: line.dispose
  };
}

/** What handing over the link permits, in the order of what matters most. */
function warnings(ctx, { guarded, local }) {
  const { t } = ctx;
  return [
    t('Whoever has this link can do on this server whatever you can: read and change every file, run any code, and write in this workbook in your name.'),
    t('There is no reading only, and it cannot be taken back. It ends when this server ends.'),
    t('Everything that either of you types, deletes or moves in the notebook is kept on this server, with its history, in the file .jupyter_ystore.db.'),
    t('The record will say that you handed over a link, and when, and under which name somebody joined. It will not hold the link.'),
    guarded ? '' : t('This server has no key in its address: whoever joins must also be let in by it, as a hub does with a login.'),
    local ? t('This server answers on this machine only, so the link works on this machine only.') : ''
  ].filter(Boolean);
}

/**
 * Handing the shared document over, where the server has one: one button, what it permits, the link.
 * Nothing is offered where notebooks are not shared, or before the record is live.
 */
function sharing(ctx) {
  const panel = h('div', { class: 'rk-share-panel', id: uid('rk-share'), hidden: true });
  const say = h('p', { class: 'rk-say', role: 'status' });
  const open = h(
    'button',
    { class: 'rk-button', 'aria-expanded': 'false', 'aria-controls': panel.id, on: { click: () => (panel.hidden ? ask() : close()) } },
    ctx.t('Let somebody join this workbook…')
  );
  const since = h('p', { class: 'rk-share-since', hidden: true });
  const node = h('div', { class: 'rk-share', hidden: true }, h('div', { class: 'rk-actions' }, open), since, panel, say);

  function show(isOpen) {
    panel.hidden = !isOpen;
    open.setAttribute('aria-expanded', String(isOpen));
  }

  function close() {
    show(false);
    say.textContent = '';
    open.focus();
  }

  function ask() {
    const join = ctx.model.act('join');
    const copy = h('button', { class: 'rk-button rk-primary', on: { click: () => void hand(join) } }, ctx.t('Copy the link'));
    const leave = h('button', { class: 'rk-button', on: { click: close } }, ctx.t('Not now'));
    fill(
      panel,
      h('p', {}, ctx.t('Give the link to nobody but the person who interviews you.')),
      h('ul', {}, warnings(ctx, join).map(line => h('li', {}, line))),
      h('div', { class: 'rk-actions' }, copy, leave)
    );
    say.textContent = '';
    show(true);
    copy.focus();
  }

  async function hand(join) {
    ctx.model.op('document.shared', {}, `shared-${ctx.model.get('status').record}`.slice(0, 80));
    const field = h('input', { type: 'text', class: 'rk-share-link', readonly: true, value: join.link, 'aria-label': ctx.t('Link to join') });
    fill(panel, field, h('div', { class: 'rk-actions' }, h('button', { class: 'rk-button', on: { click: close } }, ctx.t('Close'))));
    field.focus();
    field.select();
    try {
      await navigator.clipboard.writeText(join.link); // missing on plain http
      say.textContent = ctx.t('Copied. Paste it where only your interviewer reads it.');
    } catch {
      say.textContent = ctx.t('Copy the link from the field, and paste it where only your interviewer reads it.');
    }
  }

  return {
    node,
    update() {
      const { mode } = ctx.model.get('status');
      const { agreed, submitted, shared } = ctx.model.get('state');
      const { terms } = ctx.model.get('status');
      node.hidden = mode !== 'live' || Boolean(submitted) || (Boolean(terms) && !agreed) || !ctx.model.can('join');
      since.hidden = !shared;
      if (shared) since.textContent = ctx.t('A link to join was handed over at %1. Whoever has it can do here whatever you can, until this server ends.', clockTime(shared));
    }
  };
}

/** What one event says, in words that a candidate understands. */
function eventText(ctx, event) {
  const data = event.data ?? {};
  const { t } = ctx;
  const place = () =>
    typeof data.file === 'string'
      ? `${text(data.file, 200)}${Number.isInteger(data.line) ? `:${data.line}` : ''}`
      : t('whole change');
  const words = {
    'consent.given': () => t('Agreed to the first screen'),
    'workbook.opened': () => t('Workbook opened'),
    'finding.added': () => t('Finding added at %1', place()),
    'finding.edited': () => t('Finding edited at %1', place()),
    'finding.deleted': () => t('Finding deleted'),
    'claim.judged': () => t('Claim %1 judged: %2', text(data.claim, 80), text(data.verdict, 40)),
    'probe.run': () => t('Probe %1 run', text(data.probe, 80)),
    'focus.ended': () => t('Interviewer let follow'),
    'document.shared': () => t('Link to join handed over'),
    'document.joined': () => t('Another browser joined: %1', text(data.name, 80)),
    'review.closed': () => t('Review part closed'),
    'exercise.answered': () => t('Exercise %1 answered', text(data.exercise, 80)),
    'exercise.edited': () => t('Exercise %1: %2 edited', text(data.exercise, 80), text(data.file, 200)),
    'exercise.run': () => t('Exercise %1: public checks run', text(data.exercise, 80)),
    'evidence.run': () => t('Evidence run: %1', text(data.outcome, 40)),
    'verdict.given': () => t('Verdict: %1', text(data.decision, 40)),
    'workbook.submitted': () => t('Submitted')
  };
  return Object.hasOwn(words, event.kind) ? words[event.kind]() : text(event.kind, 60);
}

/** One line: how the record is doing, and the time box. */
function status(ctx) {
  const given = Number.isInteger(ctx.spec.minutes) ? ctx.spec.minutes : null;
  const first = consent(ctx);
  const line = standing(ctx, { minutes: given, spoken: ctx.env.spoken ?? true });
  const retry = h(
    'button',
    { class: 'rk-button', hidden: true, on: { click: () => ctx.model.act('retry') } },
    ctx.t('Try again')
  );
  const download = h(
    'button',
    { class: 'rk-button', on: { click: () => ctx.model.act('download') } },
    ctx.t('Download my answers')
  );
  const log = h('ol', { class: 'rk-log', tabindex: 0, id: uid(), 'aria-label': ctx.t('What was recorded') });
  const refused = h('ul', { class: 'rk-refused' });
  const details = h(
    'details',
    { class: 'rk-record', on: { toggle: () => draw() } },
    h('summary', {}, ctx.t('What was recorded')),
    log
  );
  const note = h('p', { class: 'rk-locked', hidden: true });
  const share = sharing(ctx);
  const node = h(
    'section',
    { class: 'rk-card rk-status', 'aria-label': ctx.t('Record') },
    first.node,
    h('div', { class: 'rk-status-line' }, line.nodes, retry, download),
    note,
    refused,
    details,
    share.node
  );

  function draw() {
    const events = ctx.model.get('events');
    if (!details.open) return;
    fill(
      log,
      events
        .slice(-500)
        .map(event =>
          h(
            'li',
            {},
            h('time', {}, clockTime(event.t)),
            ' ',
            eventText(ctx, event),
            event.seq ? null : ` (${ctx.t('not sent yet')})`
          )
        )
    );
  }

  return {
    node,
    update() {
      const now = ctx.model.get('status');
      first.update();
      line.update();
      share.update();
      note.hidden = !(now.message && now.mode !== 'live');
      note.textContent = now.message;
      const unsent = ['offline', 'refused'].includes(now.delivery?.phase);
      retry.hidden = !(now.parked.length > 0 || (now.offline && now.waiting > 0) || unsent);
      const problems = now.problems.map(problem => text(problem?.message, 400));
      fill(
        refused,
        [
          ...now.parked.map(entry => `${eventText(ctx, entry)}: ${text(entry.parked, 400)}`),
          ...problems,
          ...(now.waiting > 0 && now.fault ? [text(now.fault, 400)] : [])
        ].map(line => h('li', {}, line))
      );
      draw();
    },
    dispose: line.dispose
  };
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

const CSS_TEXT = ".rk-root {\n--rk-fg: var(--jp-content-font-color1, CanvasText);\n--rk-bg: var(--jp-layout-color1, Canvas);\n--rk-raised: var(--jp-layout-color0, Canvas);\n--rk-dim: color-mix(in srgb, var(--rk-fg) 78%, var(--rk-bg));\n--rk-line: var(--jp-border-color2, color-mix(in srgb, CanvasText 22%, Canvas));\n--rk-edge: color-mix(in srgb, var(--rk-fg) 58%, var(--rk-bg));\n--rk-soft: color-mix(in srgb, var(--rk-fg) 4%, var(--rk-bg));\n--rk-accent: var(--jp-brand-color1, Highlight);\n--rk-accent-text: color-mix(in srgb, var(--rk-accent) 78%, var(--rk-fg));\n--rk-green: var(--jp-success-color1, #2e7d32);\n--rk-red: var(--jp-error-color1, #c62828);\n--rk-amber: var(--jp-warn-color1, #b26a00);\n--rk-add: color-mix(in srgb, var(--rk-green) 13%, transparent);\n--rk-del: color-mix(in srgb, var(--rk-red) 12%, transparent);\n--rk-mono: var(--jp-code-font-family, ui-monospace, monospace);\n--rk-size: var(--jp-ui-font-size1, 13px);\n--rk-radius: var(--jp-border-radius, 2px);\nbox-sizing: border-box;\ncolor: var(--rk-fg);\nfont-family: var(--jp-ui-font-family, system-ui, sans-serif);\nfont-size: var(--rk-size);\nline-height: 1.45;\ncontainer-type: inline-size;\n}\n.rk-root.jp-OutputArea-output { overflow: visible; padding: 2px 4px 2px 0; }\n.rk-form-cell:not(.jp-mod-outputsScrolled) :is(.jp-OutputArea, .jp-OutputArea-child):has(> .rk-root, > * > .rk-root) { overflow: visible; }\n.rk-root *, .rk-root *::before { box-sizing: border-box; }\n.rk-root [hidden] { display: none !important; }\n.rk-root :focus-visible { outline: 2px solid var(--rk-accent-text); outline-offset: 1px; }\n.rk-root p { margin: 0 0 8px; }\n.rk-root h2, .rk-root h3, .rk-root h4 { margin: 0; color: inherit; font-weight: 600; letter-spacing: 0; }\n.rk-root code, .rk-root kbd { padding: 0; background: none; color: inherit; font-family: var(--rk-mono); font-size: 0.95em; }\n.rk-vh { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; user-select: none; }\n.rk-grow { flex: 1 1 auto; }\n.rk-dim { color: var(--rk-dim); }\n.rk-plus { color: color-mix(in srgb, var(--rk-green) 62%, var(--rk-fg)); font-family: var(--rk-mono); font-size: 12px; }\n.rk-minus { color: color-mix(in srgb, var(--rk-red) 70%, var(--rk-fg)); font-family: var(--rk-mono); font-size: 12px; }\n.rk-card { border: 1px solid var(--rk-line); border-radius: 4px; background: var(--rk-bg); }\n.rk-head { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; padding: 9px 14px; border-bottom: 1px solid var(--rk-line); }\n.rk-root h2.rk-title { font-size: 17px; line-height: 1.35; }\n.rk-root h3.rk-title { flex: 1 1 auto; font-size: 15px; line-height: 1.35; }\n.rk-aside { display: flex; gap: 10px; align-items: baseline; color: var(--rk-dim); }\n.rk-body { padding: 12px 14px; }\n.rk-body > .rk-md { max-width: 92ch; margin-bottom: 10px; }\n.rk-change > .rk-body { padding: 0; }\n.rk-form-cell .jp-InputPlaceholder { display: none; }\n.rk-root .rk-lead { max-width: 92ch; color: var(--rk-dim); }\n.rk-root .rk-locked { margin: 0; padding: 7px 14px; border-bottom: 1px solid var(--rk-line); background: color-mix(in srgb, var(--rk-fg) 5%, var(--rk-bg)); color: var(--rk-dim); }\n.rk-locked::before { content: \"\u25cb \" / \"\"; }\n.rk-button, .rk-toggle, .rk-icon, .rk-link, .rk-item, .rk-fold { font: inherit; color: inherit; cursor: pointer; }\n.rk-button, .rk-toggle { min-height: 28px; padding: 3px 11px; border: 1px solid color-mix(in srgb, var(--rk-fg) 32%, var(--rk-bg)); border-radius: var(--rk-radius); background: var(--rk-raised); line-height: 1.4; }\n.rk-button:hover:not(:disabled), .rk-toggle:hover, .rk-icon:hover:not(:disabled), .rk-item:hover { background: color-mix(in srgb, var(--rk-fg) 8%, transparent); }\n.rk-primary { border-color: transparent; background: var(--jp-accept-color-normal, #1976d2); color: #fff; }\n.rk-primary:hover:not(:disabled) { background: var(--jp-accept-color-hover, #1565c0); }\n.rk-root button:disabled { cursor: default; opacity: 0.5; }\n.rk-link { padding: 2px 5px; border: 0; background: none; color: var(--rk-accent-text); text-decoration: underline; text-underline-offset: 2px; }\n.rk-link.rk-danger { color: color-mix(in srgb, var(--rk-red) 75%, var(--rk-fg)); }\n.rk-icon { width: 28px; height: 28px; padding: 0; border: 1px solid var(--rk-line); border-radius: var(--rk-radius); background: none; }\n.rk-toggles { display: flex; }\n.rk-toggles .rk-toggle + .rk-toggle { margin-left: -1px; }\n.rk-toggle[aria-pressed=\"true\"] { background: color-mix(in srgb, var(--rk-accent) 18%, var(--rk-bg)); border-color: var(--rk-accent-text); font-weight: 600; z-index: 1; }\n.rk-actions { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin-top: 10px; }\n.rk-hint { color: var(--rk-dim); font-size: 12px; font-weight: 400; }\n.rk-root textarea, .rk-root select, .rk-root input[type=\"number\"] { width: 100%; min-height: 28px; margin: 0; padding: 4px 7px; border: 1px solid var(--rk-edge); border-radius: var(--rk-radius); background: var(--rk-raised); color: var(--rk-fg); font: inherit; }\n.rk-root textarea { resize: vertical; line-height: 1.45; field-sizing: content; max-height: 60vh; }\n.rk-root textarea[rows=\"2\"] { min-height: 50px; }\n.rk-root textarea[rows=\"3\"] { min-height: 68px; }\n.rk-root textarea[rows=\"4\"] { min-height: 86px; }\n.rk-root textarea[rows=\"6\"] { min-height: 124px; }\n.rk-root textarea::placeholder { color: var(--rk-dim); opacity: 1; }\n.rk-root option { background: var(--rk-raised); color: var(--rk-fg); }\n.rk-root input.rk-number { width: 76px; }\n.rk-root :is(textarea, select, input):focus-visible { outline-offset: -1px; border-color: var(--rk-accent-text); }\n.rk-root [aria-invalid=\"true\"] { border-color: var(--rk-red); }\n.rk-error { color: color-mix(in srgb, var(--rk-red) 75%, var(--rk-fg)); font-size: 12px; }\n.rk-error { margin-top: 2px; }\n.rk-error:empty { display: none; }\n.rk-error::before { content: \"! \"; font-weight: 700; }\n.rk-field { flex: 0 1 auto; min-width: 0; margin-bottom: 8px; }\n.rk-field.rk-wide { flex: 1 1 100%; }\n.rk-field label, .rk-label, .rk-part-label { display: block; margin: 0 0 3px; padding: 0; font-size: 12px; font-weight: 600; }\n.rk-root fieldset { min-width: 0; margin: 0; padding: 0; border: 0; }\n.rk-root legend { padding: 0; }\n.rk-root fieldset:disabled { opacity: 0.65; }\n.rk-segments { display: inline-flex; flex-wrap: wrap; isolation: isolate; }\n.rk-segments input { position: absolute; opacity: 0; pointer-events: none; }\n.rk-segments label { display: inline-flex; align-items: center; min-height: 28px; margin: 0 0 0 -1px; padding: 3px 11px; border: 1px solid var(--rk-edge); background: var(--rk-raised); font-size: var(--rk-size); font-weight: 400; cursor: pointer; }\n.rk-segments label:first-of-type { margin-left: 0; }\n.rk-segments label:hover { background: color-mix(in srgb, var(--rk-fg) 8%, var(--rk-raised)); }\n.rk-segments input:checked + label { z-index: 1; border-color: var(--rk-accent-text); background: color-mix(in srgb, var(--rk-accent) 18%, var(--rk-bg)); font-weight: 600; }\n.rk-segments input:checked + label::before { content: \"\u2713 \" / \"\"; white-space: pre; }\n.rk-segments input:focus-visible + label { z-index: 2; outline: 2px solid var(--rk-accent-text); outline-offset: 1px; }\n.rk-saved { color: var(--rk-dim); font-size: 12px; white-space: nowrap; }\n.rk-badge, .rk-tag { display: inline-flex; align-items: center; gap: 4px; padding: 0 6px; border: 1px solid var(--rk-line); border-radius: 9px; font-size: 11px; line-height: 16px; white-space: nowrap; }\n.rk-badge { font-weight: 600; border-color: currentColor; }\n.rk-badge.rk-sev-0 { color: color-mix(in srgb, var(--rk-red) 72%, var(--rk-fg)); }\n.rk-badge.rk-sev-1 { color: color-mix(in srgb, var(--rk-amber) 50%, var(--rk-fg)); }\n.rk-badge.rk-sev-2 { color: var(--rk-accent-text); }\n.rk-shape { font-size: 8px; }\n.rk-tag.rk-on { border-color: var(--rk-accent-text); color: var(--rk-accent-text); font-weight: 600; }\n.rk-list { margin: 0 0 14px; padding: 0; list-style: none; }\n.rk-root .rk-list li { margin: 0; }\n.rk-item { display: flex; width: 100%; min-height: 26px; align-items: baseline; gap: 6px; padding: 3px 8px; border: 0; border-radius: var(--rk-radius); background: none; text-align: left; }\n.rk-path { flex: 1 1 auto; min-width: 0; overflow-wrap: anywhere; }\n.rk-item .rk-path span:last-child { display: inline-block; max-width: 100%; }\n.rk-count { min-width: 17px; padding: 0 5px; border-radius: 9px; background: color-mix(in srgb, var(--rk-accent) 20%, var(--rk-bg)); font-size: 11px; font-weight: 600; line-height: 17px; text-align: center; }\n.rk-item.rk-finding { flex-direction: column; gap: 1px; }\n.rk-finding-top { display: flex; gap: 6px; align-items: baseline; }\n.rk-gist { display: -webkit-box; overflow: hidden; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow-wrap: anywhere; }\n.rk-empty { padding: 3px 8px; color: var(--rk-dim); }\n.rk-about { border-bottom: 1px solid var(--rk-line); }\n.rk-root summary { padding: 7px 14px; cursor: pointer; font-weight: 600; }\n.rk-about .rk-md { max-width: 85ch; padding: 2px 14px 8px; }\n.rk-toolbar { position: sticky; top: 0; z-index: 6; display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 6px 14px; border-bottom: 1px solid var(--rk-line); background: var(--rk-bg); }\n.rk-keys { position: relative; }\n.rk-root .rk-keys > summary { padding: 4px 6px; font-weight: 400; }\n.rk-keys dl { position: absolute; right: 0; z-index: 8; width: 270px; margin: 4px 0 0; padding: 8px 12px; border: 1px solid var(--rk-line); border-radius: 4px; background: var(--rk-raised); box-shadow: var(--jp-elevation-z6, 0 3px 8px rgb(0 0 0 / 30%)); }\n.rk-keys dl > div { display: flex; gap: 10px; padding: 2px 0; }\n.rk-keys dt { flex: 0 0 108px; margin: 0; font-weight: 400; }\n.rk-keys dd { margin: 0; }\n.rk-root kbd { padding: 0 4px; border: 1px solid var(--rk-line); border-radius: 3px; font-size: 11px; }\n.rk-columns { display: grid; grid-template-columns: 248px minmax(0, 1fr); align-items: start; }\n.rk-side { position: sticky; top: 41px; max-height: calc(100vh - 120px); padding: 10px 6px; overflow-y: auto; }\n.rk-side h4 { padding: 0 8px 4px; font-size: 12px; }\n.rk-files { min-width: 0; border-left: 1px solid var(--rk-line); }\n.rk-file + .rk-file { border-top: 1px solid var(--rk-line); }\n.rk-file-head { position: sticky; top: 41px; z-index: 5; display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; min-height: 34px; padding: 3px 10px 3px 4px; border-bottom: 1px solid var(--rk-line); background: color-mix(in srgb, var(--rk-fg) 5%, var(--rk-bg)); }\n.rk-root .rk-file-head h4 { font-size: var(--rk-size); font-weight: 400; }\n.rk-file { scroll-margin-top: 44px; }\n.rk-fold { min-height: 26px; padding: 2px 6px; border: 0; background: none; font-family: var(--rk-mono); font-size: 12.5px; overflow-wrap: anywhere; text-align: left; }\n.rk-caret { display: inline-block; width: 14px; font-family: var(--jp-ui-font-family, sans-serif); }\n.rk-caret::before { content: \"\u25b8\"; }\n[aria-expanded=\"true\"] > .rk-caret::before { content: \"\u25be\"; }\n.rk-chunk { content-visibility: auto; }\n.rk-grid { --rk-no: 46px; font-family: var(--rk-mono); font-size: var(--jp-code-font-size, 13px); line-height: 20px; tab-size: 4; }\n.rk-row { display: grid; grid-template-columns: var(--rk-no) var(--rk-no) minmax(0, 1fr); min-height: 20px; scroll-margin: 84px 0 24px; }\n.rk-row.rk-split { grid-template-columns: var(--rk-no) minmax(0, 1fr) var(--rk-no) minmax(0, 1fr); }\n.rk-split .rk-no + .rk-code + .rk-no { border-left: 1px solid var(--rk-line); }\n.rk-no { position: relative; padding: 0 8px 0 0; color: var(--rk-dim); font-size: 12px; text-align: right; user-select: none; cursor: pointer; }\n.rk-no:hover { color: var(--rk-fg); font-weight: 700; }\n.rk-row:hover .rk-no[data-side=\"R\"]:not(.rk-none)::before { content: \"+\" / \"\"; position: absolute; left: 4px; width: 15px; height: 15px; margin-top: 2.5px; border-radius: 3px; background: var(--jp-accept-color-normal, #1976d2); color: #fff; font-weight: 700; line-height: 14px; text-align: center; }\n.rk-code { position: relative; padding: 0 10px 0 22px; white-space: pre-wrap; overflow-wrap: anywhere; }\n.rk-sign { position: absolute; left: 8px; user-select: none; }\n.rk-add { background: var(--rk-add); }\n.rk-del { background: var(--rk-del); }\n.rk-none { background: var(--rk-soft); cursor: default; }\n.rk-row:focus { outline: none; }\n.rk-row:focus .rk-code, .rk-row.rk-chosen:focus-within .rk-code { outline: none; }\n.rk-row:focus-visible, .rk-row:focus { outline: 2px solid var(--rk-accent-text); outline-offset: -2px; }\n.rk-row.rk-chosen .rk-no { background: color-mix(in srgb, var(--rk-accent) 30%, var(--rk-bg)); color: var(--rk-fg); }\n.rk-root:not(:focus-within) .rk-row.rk-chosen .rk-no { background: none; color: var(--rk-dim); }\n.rk-root:not(:focus-within) .rk-row.rk-chosen .rk-no.rk-add { background: var(--rk-add); }\n.rk-root:not(:focus-within) .rk-row.rk-chosen .rk-no.rk-del { background: var(--rk-del); }\n.rk-hunk { padding: 1px 10px 1px 14px; border-block: 1px solid var(--rk-line); background: var(--rk-soft); color: var(--rk-dim); font-size: 12px; overflow-wrap: anywhere; }\n.rk-file .rk-chunk:first-child .rk-hunk { border-top: 0; }\n.rk-note-row, .rk-note { font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: var(--rk-size); line-height: 1.45; }\n.rk-note-row { padding: 8px 12px 8px 14px; border-block: 1px solid var(--rk-line); background: var(--rk-soft); }\n.rk-note-row + .rk-note-row { border-top: 0; }\n.rk-note { padding: 8px 12px 8px 14px; border-bottom: 1px solid var(--rk-line); background: var(--rk-soft); }\n.rk-editing { display: none; }\n.rk-t-k, .rk-t-kc, .rk-t-kd, .rk-t-kn, .rk-t-kp, .rk-t-kr, .rk-t-kt, .rk-t-ow { color: color-mix(in srgb, var(--jp-mirror-editor-keyword-color, currentcolor) 84%, var(--rk-fg)); font-weight: 600; }\n.rk-t-s, .rk-t-sa, .rk-t-sb, .rk-t-sc, .rk-t-dl, .rk-t-sd, .rk-t-s2, .rk-t-se, .rk-t-sh, .rk-t-si, .rk-t-sx, .rk-t-sr, .rk-t-s1, .rk-t-ss { color: color-mix(in srgb, var(--jp-mirror-editor-string-color, currentcolor) 82%, var(--rk-fg)); }\n.rk-t-c, .rk-t-ch, .rk-t-cm, .rk-t-cp, .rk-t-c1, .rk-t-cs { color: color-mix(in srgb, var(--jp-mirror-editor-comment-color, currentcolor) 70%, var(--rk-fg)); font-style: italic; }\n.rk-t-m, .rk-t-mb, .rk-t-mf, .rk-t-mh, .rk-t-mi, .rk-t-il, .rk-t-mo { color: color-mix(in srgb, var(--jp-mirror-editor-number-color, currentcolor) 70%, var(--rk-fg)); }\n.rk-t-nf, .rk-t-nc, .rk-t-fm { color: color-mix(in srgb, var(--jp-mirror-editor-def-color, currentcolor) 78%, var(--rk-fg)); }\n.rk-t-nd { color: color-mix(in srgb, var(--jp-mirror-editor-meta-color, currentcolor) 82%, var(--rk-fg)); }\n.rk-t-o { color: color-mix(in srgb, var(--jp-mirror-editor-operator-color, currentcolor) 70%, var(--rk-fg)); }\n.rk-t-nb, .rk-t-bp { color: color-mix(in srgb, var(--jp-mirror-editor-builtin-color, currentcolor) 78%, var(--rk-fg)); }\n.rk-remark { max-width: 900px; padding: 8px 12px; border: 1px solid var(--rk-line); border-left: 3px solid var(--rk-accent-text); border-radius: 4px; background: var(--rk-raised); scroll-margin: 90px 0; }\n.rk-remark-head { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; margin-bottom: 5px; }\n.rk-place { color: var(--rk-dim); font-family: var(--rk-mono); font-size: 12px; overflow-wrap: anywhere; }\n.rk-remark-actions { display: flex; align-items: center; gap: 6px; margin-left: auto; }\n.rk-parts { display: flex; flex-wrap: wrap; gap: 4px 24px; }\n.rk-part { flex: 1 1 280px; min-width: 0; overflow-wrap: anywhere; }\n.rk-part-label { color: var(--rk-dim); }\n.rk-md { overflow-wrap: anywhere; }\n.rk-md p { white-space: pre-line; }\n.rk-md > :last-child { margin-bottom: 0; }\n.rk-root .rk-md ul, .rk-root .rk-md ol { margin: 0 0 8px; padding-left: 22px; }\n.rk-root .rk-md code { padding: 0 3px; border-radius: 2px; background: color-mix(in srgb, var(--rk-fg) 8%, transparent); font-size: 12px; }\n.rk-root .rk-md pre { margin: 0 0 8px; padding: 6px 9px; overflow-x: auto; border-radius: 2px; background: color-mix(in srgb, var(--rk-fg) 6%, transparent); }\n.rk-root .rk-md pre code { padding: 0; background: none; }\n.rk-md-heading { font-weight: 600; }\n.rk-composer { max-width: 900px; padding: 10px 14px 12px; border: 1px solid var(--rk-accent-text); border-radius: 4px; background: var(--rk-bg); box-shadow: var(--jp-elevation-z2, 0 1px 4px rgb(0 0 0 / 20%)); scroll-margin: 90px 0 30px; }\n.rk-composer-head { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; margin-bottom: 8px; color: var(--rk-dim); }\n.rk-composer-head strong { color: var(--rk-fg); }\n.rk-fields { display: flex; flex-wrap: wrap; gap: 2px 16px; }\n.rk-composer .rk-fields > .rk-choices { margin-bottom: 8px; }\n.rk-composer .rk-field:has(textarea):not(.rk-wide) { flex: 1 1 300px; }\n.rk-composer .rk-actions { margin-top: 2px; }\n.rk-root .rk-claim-list { margin: 0; padding: 0; list-style: none; counter-reset: claim; }\n.rk-claim-list > li { counter-increment: claim; padding: 9px 0 9px 26px; border-top: 1px solid var(--rk-line); position: relative; }\n.rk-claim-list > li::before { content: counter(claim) \".\" / \"\"; position: absolute; left: 2px; color: var(--rk-dim); }\n.rk-claim-list > li:last-child { padding-bottom: 0; }\n.rk-claim-text { display: flex; gap: 12px; align-items: baseline; justify-content: space-between; margin-bottom: 6px; }\n.rk-claim-answer { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: flex-start; }\n.rk-claim-answer textarea { flex: 1 1 260px; width: auto; }\n.rk-last { color: var(--rk-fg); overflow-wrap: anywhere; }\n.rk-root .rk-mend-files, .rk-root .rk-checks, .rk-root .rk-inventory { margin: 0; padding: 0; list-style: none; }\n.rk-mend-files li, .rk-inventory li, .rk-checks li { display: flex; flex-wrap: wrap; gap: 2px 10px; align-items: baseline; padding: 3px 0; }\n.rk-results { margin-top: 10px; }\n.rk-results:empty { display: none; }\n.rk-pass { color: color-mix(in srgb, var(--rk-green) 62%, var(--rk-fg)); font-weight: 600; white-space: nowrap; }\n.rk-fail { color: color-mix(in srgb, var(--rk-red) 72%, var(--rk-fg)); font-weight: 600; white-space: nowrap; }\n.rk-open { color: var(--rk-dim); }\n.rk-trace-columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(280px, 100%), 1fr)); gap: 12px 24px; margin: 8px 0 14px; }\n.rk-exercise h4 { margin: 0 0 5px; font-size: 12px; }\n.rk-root .rk-route, .rk-root .rk-rest { margin: 0; padding: 0; border: 1px solid var(--rk-line); border-radius: var(--rk-radius); list-style: none; counter-reset: route; }\n.rk-route li, .rk-rest li { display: flex; align-items: center; gap: 4px; min-height: 36px; padding: 3px 4px 3px 10px; }\n.rk-route li + li, .rk-rest li + li { border-top: 1px solid var(--rk-line); }\n.rk-route li:not(.rk-empty) { counter-increment: route; }\n.rk-route li:not(.rk-empty)::before { content: counter(route) \".\" / \"\"; width: 22px; color: var(--rk-dim); }\n.rk-route-name { flex: 1 1 auto; min-width: 0; overflow-wrap: anywhere; }\n.rk-trace .rk-fields .rk-field { flex: 1 1 240px; }\n.rk-verdict .rk-choices { margin-bottom: 10px; }\n.rk-exercise .rk-plain, .rk-verdict .rk-plain { max-width: 980px; }\n.rk-inventory li > :nth-child(2) { min-width: 190px; }\n.rk-inventory { max-width: 640px; }\n.rk-root .rk-say { margin: 8px 0 0; }\n.rk-say:empty { display: none; }\n.rk-done { color: var(--rk-fg); }\n.rk-status-line { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; padding: 6px 14px; }\n.rk-bar-place { min-height: 29px; }\n.rk-bar { display: flex; align-items: center; gap: 2px 12px; height: 100%; padding: 0 14px; overflow: hidden; border-bottom: 1px solid var(--rk-line); background: var(--rk-bg); white-space: nowrap; }\n.rk-bar > * { flex: 0 0 auto; }\n.rk-bar > .rk-grow { flex: 1 1 0; }\n.rk-bar > .rk-status-text, .rk-bar > .rk-delivery { flex: 0 1 auto; min-width: 0; }\n.rk-bar .rk-status-text, .rk-bar .rk-delivery-text { overflow: hidden; text-overflow: ellipsis; }\n.rk-dot { flex: 0 0 auto; display: inline-flex; align-items: center; justify-content: center; width: 16px; height: 16px; border-radius: 50%; border: 1.5px solid currentColor; font-size: 10px; font-weight: 700; line-height: 1; }\n.rk-dot-ok { color: color-mix(in srgb, var(--rk-green) 70%, var(--rk-fg)); }\n.rk-dot-bad { color: color-mix(in srgb, var(--rk-red) 75%, var(--rk-fg)); }\n.rk-dot-wait, .rk-dot-off { color: var(--rk-dim); }\n.rk-clock { color: var(--rk-dim); font-variant-numeric: tabular-nums; }\n.rk-root .rk-status .rk-locked { border-top: 1px solid var(--rk-line); border-bottom: 0; }\n.rk-root .rk-refused { margin: 0; padding: 0 14px 6px 32px; }\n.rk-refused:empty { display: none !important; }\n.rk-record { border-top: 1px solid var(--rk-line); }\n.rk-root .rk-record summary { padding: 4px 14px; font-weight: 400; color: var(--rk-dim); }\n.rk-root .rk-log { max-height: 240px; margin: 0; padding: 2px 14px 10px 44px; overflow-y: auto; color: var(--rk-dim); font-size: 12px; }\n.rk-log time { display: inline-block; min-width: 56px; font-variant-numeric: tabular-nums; }\n@container (max-width: 820px) {\n.rk-columns { grid-template-columns: minmax(0, 1fr); }\n.rk-side { position: static; max-height: 300px; border-bottom: 1px solid var(--rk-line); }\n.rk-files { border-left: 0; }\n.rk-grid { --rk-no: 36px; }\n.rk-no { padding-right: 4px; }\n.rk-toolbar, .rk-file-head { position: static; }\n}\n@media (forced-colors: active) {\n.rk-segments input:checked + label, .rk-toggle[aria-pressed=\"true\"] { outline: 2px solid Highlight; outline-offset: -2px; }\n.rk-row.rk-chosen .rk-no { outline: 1px solid Highlight; }\n}\n.rk-consent { padding: 10px 14px; border-bottom: 1px solid var(--rk-line); }\n.rk-consent.rk-asking { border-left: 4px solid var(--jp-accept-color-normal, #1976d2); padding: 14px 18px 16px; }\n.rk-root .rk-terms { display: grid; gap: 8px; margin: 10px 0 4px; max-width: 92ch; }\n.rk-terms > div { display: grid; grid-template-columns: minmax(9em, 14em) 1fr; gap: 2px 16px; }\n.rk-root .rk-terms dt { float: none; display: block; width: auto; font-weight: 600; }\n.rk-root .rk-terms dd { float: none; width: auto; margin: 0; overflow-wrap: anywhere; }\n.rk-root .rk-terms ul { margin: 0; padding-left: 1.2em; }\n.rk-delivery { display: inline-flex; align-items: center; gap: 6px; }\n.rk-delivery[hidden] { display: none; }\n@media (max-width: 600px) { .rk-terms > div { grid-template-columns: 1fr; } }\n.rk-share { padding: 0 14px 10px; }\n.rk-share-panel { max-width: 92ch; margin-top: 8px; padding: 10px 14px; border-left: 4px solid var(--rk-amber); }\n.rk-root .rk-share-panel ul { margin: 0; padding-left: 1.2em; }\n.rk-root input.rk-share-link { width: 100%; min-height: 28px; padding: 4px 7px; border: 1px solid var(--rk-edge); border-radius: var(--rk-radius); background: var(--rk-raised); color: var(--rk-fg); font: inherit; }\n.rk-root .rk-share-since { margin: 6px 0 0; }\n.rk-watch { display: inline-flex; align-items: center; gap: 6px; }\n.rk-watch[hidden] { display: none; }\n@media (max-width: 1250px) {\n.rk-bar-place { min-height: 52px; }\n.rk-bar { flex-wrap: wrap; align-content: center; }\n.rk-bar::before { content: \"\"; flex: 1 0 100%; height: 0; order: 1; margin-top: -2px; }\n.rk-bar > .rk-delivery { flex: 1 1 auto; order: 1; }\n.rk-bar > .rk-watch { flex: 0 0 auto; order: 2; }\n}\n@media (max-width: 950px) {\n.rk-bar-place:has(.rk-watch:not([hidden])) { min-height: 78px; }\n.rk-bar > :is(.rk-delivery, .rk-watch) { flex: 1 0 100%; }\n}";
const SCHEMA = 1;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const FORMS = {
  bar,
  change: ctx => new ChangeForm(ctx),
  claims,
  close,
  diagnose,
  explain,
  mend,
  task,
  probe,
  status,
  submit,
  trace,
  verdict
};

/** Fill `%1`, `%2` as JupyterLab's translation bundles do. */
function plainStrings() {
  const put = (source, values) =>
    values.reduce((out, value, at) => out.replaceAll(`%${at + 1}`, () => String(value)), source);
  return {
    __: (source, ...values) => put(source, values),
    _n: (one, many, n, ...values) => put(n === 1 ? one : many, [n, ...values])
  };
}

function style() {
  const id = 'reviewkit-style';
  if (document.getElementById(id)) return;
  document.head.append(h('style', { id }, CSS_TEXT));
}

/** Keys that a form handles itself, because JupyterLab's shortcuts are silenced inside it. */
function accelerator(model) {
  return event => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== 's') return false;
    event.preventDefault();
    event.stopPropagation();
    model.act('save');
    return true;
  };
}

function refusal(spec) {
  if (spec?.schema !== SCHEMA)
    return 'This form was made by another version of reviewkit. Install the version that the workbook names.';
  if (!Object.hasOwn(FORMS, spec.form)) return 'This form is unknown to the installed version of reviewkit.';
  return null;
}

/**
 * Draw the form that `model.get('spec')` describes into `el`.
 *
 * @param {{model: {get(key: string): any, on(listener: () => void): void, off(listener: () => void): void, op(kind: string, data: any, id?: string): any, act(name: string): any, can(name: string): boolean}, el: HTMLElement, env?: {readOnly?: boolean, strings?: any, view?: string, singleKeys?: boolean, spoken?: boolean}}} options
 * @returns {{dispose(): void, command(name: string): boolean}}
 */
function render({ model, el, env = {} }) {
  style();
  const spec = model.get('spec');
  const strings = env.strings ?? plainStrings();
  el.classList.add('rk-root');
  const wrong = refusal(spec);
  if (wrong) {
    el.replaceChildren(h('p', { class: 'rk-locked' }, strings.__(wrong)));
    return { dispose() {}, command: () => false };
  }
  const ctx = {
    spec,
    model,
    env: { singleKeys: true, ...env },
    t: (source, ...values) => strings.__(source, ...values),
    tn: (one, many, n, ...values) => strings._n(one, many, n, ...values),
    drafts: new Drafts(localStore(), () => (model.get('status').mode === 'live' ? model.get('status').record : null)),
    accel: accelerator(model)
  };
  const form = FORMS[spec.form](ctx);
  el.replaceChildren(form.node);
  let queued = false;
  let alarm = null;
  const update = () => {
    if (queued) return;
    queued = true;
    queueMicrotask(() => {
      queued = false;
      form.update();
    });
  };
  // Look again when something opens by itself.
  ctx.wake = wait => {
    clearTimeout(alarm);
    alarm = setTimeout(update, Math.min(wait, LONGEST_TIMER_MS));
  };
  form.node.addEventListener('keydown', ctx.accel);
  model.on(update);
  form.update();
  return {
    dispose() {
      model.off(update);
      clearTimeout(alarm);
      form.dispose();
    },
    command: name => form.command?.(name) ?? false
  };
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

/** Offer a JSON file for download. */
function saveFile(name, value) {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: 'application/json' }));
  const link = h('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const ANSWER_MS = 15000;

/** One store per record and page, whichever of its forms was drawn first. */
const shelves = new Map();

/** The store of a record with the widgets through which the kernel can be reached. */
class Shelf {
  constructor(record) {
    this.record = record;
    this.models = new Set();
    this.pending = new Map();
    this.store = new Store(localStore());
  }

  add(model) {
    this.models.add(model);
    model.on('msg:custom', message => this.#answered(message));
  }

  #answered(message) {
    const waiting = this.pending.get(message?.id);
    if (!waiting) return;
    this.pending.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.type === 'refused') waiting.reject(new Refused(String(message.message)));
    else if (message.type === 'failed') waiting.reject(new Error(String(message.message)));
    else waiting.resolve(message);
  }

  /** Ask the kernel through the newest widget; a dead one throws, and the store tries again later. */
  ask(question) {
    return new Promise((resolve, reject) => {
      const id = randomId(6);
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new Error('The kernel gave no answer.'));
      }, ANSWER_MS);
      this.pending.set(id, { resolve, reject, timer });
      const model = [...this.models].at(-1);
      if (model) model.send({ ...question, id });
      else reject(new Error('No widget of this record is left.'));
    });
  }

  transport() {
    return {
      load: async after => ({ events: asList((await this.ask({ type: 'load', after })).events) }),
      send: entry => this.ask({ type: 'op', op: entry.op, kind: entry.kind, data: entry.data })
    };
  }
}

function shelfOf(model) {
  const record = model.get('record');
  if (!shelves.has(record)) shelves.set(record, new Shelf(record));
  const shelf = shelves.get(record);
  shelf.add(model);
  return shelf;
}

function begin(shelf, model) {
  const { store } = shelf;
  const mode = model.get('mode');
  if (mode === 'readonly') store.readonly(model.get('message'), model.get('events'));
  else if (mode === 'preview') store.preview(shelf.record);
  else if (store.mode !== 'live') {
    // What the kernel sent along is shown at once; a busy kernel answers only later.
    void store.live(shelf.record, shelf.transport(), []);
    store.adopt(asList(model.get('events')));
  } else void store.refresh();
}

async function submitTo(store) {
  store.op('workbook.submitted', {});
  if (store.mode === 'preview') return 'Preview: nothing was recorded or submitted.';
  return (await store.settle())
    ? 'Submitted and recorded. Save the notebook, and download your answers to keep a copy.'
    : 'Not sent yet: your work is kept in this browser and is sent when the kernel answers. Download your answers to be safe.';
}

function modelFor(shelf, widget) {
  const { store } = shelf;
  const spec = widget.get('spec');
  const acts = {
    retry: () => store.retry(),
    submit: () => submitTo(store),
    download: () =>
      saveFile(`${spec.slug}-answers.json`, {
        schema: 1,
        slug: spec.slug,
        version: spec.version,
        record: { id: shelf.record, events: store.events },
        not_sent: store.all().filter(event => !event.seq)
      })
  };
  return {
    get: key =>
      ({
        spec: () => spec,
        state: () => store.state,
        status: () => store.status,
        events: () => store.all(),
        forms: () => asList(widget.get('forms'))
      })[key]?.(),
    on: listener => store.on(listener),
    off: listener => store.off(listener),
    op: (kind, data, id) => store.op(kind, data, id),
    act: name => acts[name]?.(),
    can: name => !['run', 'notebook', 'join'].includes(name)
  };
}

/** The same forms as an anywidget: operations go to Python, which appends them to the record. */
const anywidget = {
  render({ model, el }) {
    const shelf = shelfOf(model);
    shelf.store.terms = model.get('spec').terms ?? null;
    begin(shelf, model);
    const form = render({ model: modelFor(shelf, model), el });
    const events = () => shelf.store.mode === 'live' && shelf.store.adopt(asList(model.get('events')));
    model.on('change:events', events);
    return () => {
      model.off('change:events', events);
      shelf.models.delete(model);
      form.dispose();
    };
  }
};

/* The bundle exports both. */

export { anywidget, render };
