import { Connection, Database } from './database';
import { Notifier, PaymentGateway } from './gateways';
import { OrderProcessor } from './orderProcessor';
import { OrderService } from './orderService';
import { Log } from './types';

/** Everything that a process of the service needs. */
export function buildApp(connect: () => Promise<Connection>, log: Log, sleep: (ms: number) => Promise<void>) {
  const db = new Database(connect);
  const processor = new OrderProcessor(db, new PaymentGateway(), new Notifier(), log, sleep);
  const service = new OrderService(db, processor, log);
  return { service, start: async () => {}, stop: () => processor.stop() };
}
