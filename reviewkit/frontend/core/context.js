import { h } from './dom.js';
import { alike, merged } from './merge.js';

const AUTOSAVE_MS = 2500;

/** Texts being written, kept in the browser until they are recorded, so that Run All or a reload loses nothing. */
export class Drafts {
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
export function writable(ctx) {
  const { mode } = ctx.model.get('status');
  return (mode === 'live' || mode === 'preview') && !lockedReason(ctx) && !ctx.env.readOnly;
}

/** Why nothing can be changed, in one line; empty when it can. */
export function lockedReason(ctx) {
  const status = ctx.model.get('status');
  if (status.mode === 'opening') return status.message || ctx.t('Asking the server whether this workbook may record…');
  if (status.mode === 'readonly') return status.message || ctx.t('Read only: this notebook records nothing.');
  if (status.terms && !ctx.model.get('state').agreed)
    return ctx.t('Opens when you agree to what stands under “Before you begin”, at the top of this workbook.');
  if (ctx.model.get('state').submitted) return ctx.t('Submitted. Your answers are read only now.');
  return '';
}

/** A frame with title and an optional line that says why the form is locked. */
export function card(ctx, { title, kind = '', label = title }) {
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
export function answersTo(ctx, id) {
  return ctx.model
    .get('events')
    .filter(event => event.seq && event.kind === 'exercise.answered' && event.data?.exercise === id)
    .map(event => ({ op: event.op, answer: event.data.answer }));
}

const STAGES = { trace: 'architecture', explain: 'architecture', diagnose: 'degraded' };

/** When the stage of an exercise opens, in ms, or 0: it is open, or there is work in it already, which nothing locks again. */
export function opensAt(ctx, { kind, id }) {
  const { terms, clockOffset } = ctx.model.get('status');
  const wait = 1000 * Number(terms?.stages?.[STAGES[kind]]) - Date.now() - clockOffset;
  if (!(wait > 0) || ctx.model.get('state').exercises.get(id)?.answer) return 0;
  ctx.wake?.(wait + 500);
  return 1000 * terms.stages[STAGES[kind]];
}

/** A day with its hour, as people where the page is read write it. */
export const dayTime = ms => new Date(ms).toLocaleString([], { dateStyle: 'full', timeStyle: 'short' });

/** Why an exercise is locked: the review part comes first, then its day. */
export function exerciseLock(ctx, exercise) {
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
export function autosave(ctx, { name, root, collect, show, recorded, record, ready = () => true, answers = null }) {
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
export const taste = {
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
export function clockTime(iso) {
  const when = new Date(iso);
  return Number.isNaN(when.getTime()) ? '' : when.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
