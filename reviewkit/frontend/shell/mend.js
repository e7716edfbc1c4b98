const PAUSE_MS = 2000;
const LONGEST_MS = 15000;
const HEADER = /^%%mend[ \t]+(\S+)[ \t]+(\S+)[ \t]*(?:\n|$)/;

/** Text of the file in a mend cell: what the kernel gets as the body of the magic. */
export function mendText(source) {
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
export class MendWatch {
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
