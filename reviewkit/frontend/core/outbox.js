/**
 * Operations that the server or kernel has not confirmed yet, kept in the browser's localStorage.
 * One key per operation, so two tabs of the same record never overwrite each other.
 */
export class Outbox {
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
export function localStore() {
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
