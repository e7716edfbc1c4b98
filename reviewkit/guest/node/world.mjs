// What a driver gets: handles to the world outside, as `reviewkit.guest` gives them to Python.

const DATABASE_ERRORS = /Error$/;

/** An error of the database, named as SQLite's driver names it. */
export class DatabaseError extends Error {
  constructor(name, message) {
    super(message);
    this.name = DATABASE_ERRORS.test(name) ? name : 'DatabaseError';
  }
}

/** One connection to a database of the world. */
class Connection {
  #channel;
  #number;

  constructor(channel, number) {
    this.#channel = channel;
    this.#number = number;
  }

  async #ask(op, payload = {}) {
    const reply = await this.#channel.ask(`db.${op}`, { connection: this.#number, ...payload });
    if (reply.error) throw new DatabaseError(reply.error, reply.message);
    return reply;
  }

  /** Run a statement: `{ rows, changes }`, rows as objects. */
  async execute(sql, parameters = []) {
    const reply = await this.#ask('execute', { sql, parameters });
    const rows = reply.rows.map((row) => Object.fromEntries(reply.columns.map((name, at) => [name, row[at]])));
    return { rows, changes: reply.rowcount };
  }

  commit() {
    return this.#ask('commit');
  }

  rollback() {
    return this.#ask('rollback');
  }

  close() {
    return this.#ask('close');
  }
}

export class Env {
  #channel;
  state = {};

  constructor(channel) {
    this.#channel = channel;
  }

  /** Send a fact out; it arrives in `world.facts`. */
  emit(kind, data = {}) {
    this.#channel.tell('emit', { kind, data });
  }

  /** Send an event to `world.logs`. */
  log(event) {
    this.#channel.tell('log', { event });
  }

  /** Connect to a database of the world; statements run in a transaction that the first write begins. */
  async connect(name = 'main') {
    const reply = await this.#channel.ask('db.connect', { name, isolation_level: '' });
    if (reply.error) throw new DatabaseError(reply.error, reply.message);
    return new Connection(this.#channel, reply.connection);
  }
}
