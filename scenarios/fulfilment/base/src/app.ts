import { Connection, Database } from './database';
import { Notifier, PaymentGateway } from './gateways';
import { OrderService } from './orderService';
import { Log } from './types';

/** Everything that a process of the service needs. */
export function buildApp(connect: () => Promise<Connection>, log: Log, _sleep: (ms: number) => Promise<void>) {
  const service = new OrderService(new Database(connect), new PaymentGateway(), new Notifier(), log);
  return { service, start: async () => {}, stop: async () => {} };
}
