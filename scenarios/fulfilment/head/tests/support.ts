import { DatabaseSync } from 'node:sqlite';
import { Connection } from '../src/database';

export const SCHEMA = `
CREATE TABLE inventory (sku TEXT PRIMARY KEY, on_hand INTEGER NOT NULL, unit_cents INTEGER NOT NULL);
CREATE TABLE orders (
  id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, amount_cents INTEGER NOT NULL, status TEXT NOT NULL, capture_id TEXT, request TEXT,
  attempts INTEGER NOT NULL DEFAULT 0
);`;

export const quiet = { info: () => {}, error: () => {} };

/** An empty database in memory with one product, and what connects to it. */
export function memory(onHand = 10): { sqlite: DatabaseSync; connect: () => Promise<Connection> } {
  const sqlite = new DatabaseSync(':memory:');
  sqlite.exec(SCHEMA);
  sqlite.prepare("INSERT INTO inventory VALUES ('sku-1', ?, 500)").run(onHand);
  const connect = async (): Promise<Connection> => ({
    async execute(sql, parameters = []) {
      const statement = sqlite.prepare(sql);
      if (/^\s*select/i.test(sql)) return { rows: statement.all(...(parameters as string[])), changes: 0 };
      return { rows: [], changes: Number(statement.run(...(parameters as string[])).changes) };
    },
    commit: async () => {},
    rollback: async () => {},
    close: async () => {},
  });
  return { sqlite, connect };
}
