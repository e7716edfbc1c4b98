/** The order database. Statements use `?` for parameters. */
export interface Connection {
  execute(sql: string, parameters?: readonly unknown[]): Promise<Result>;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
  close(): Promise<unknown>;
}

export interface Result {
  rows: Record<string, any>[];
  /** Rows that a statement changed. */
  changes: number;
}

export class Database {
  constructor(private readonly connect: () => Promise<Connection>) {}

  /** One statement in a transaction of its own. */
  query(sql: string, parameters: readonly unknown[] = []): Promise<Result> {
    return this.transaction((tx) => tx.execute(sql, parameters));
  }

  /** Everything that `work` does, or nothing of it when it throws. */
  async transaction<T>(work: (tx: Connection) => Promise<T>): Promise<T> {
    const connection = await this.connect();
    try {
      const value = await work(connection);
      await connection.commit();
      return value;
    } catch (error) {
      await connection.rollback();
      throw error;
    } finally {
      await connection.close();
    }
  }
}
