/** How the order service is called. Runs beside the code under review. */
import { buildApp } from './src/app';

const SETTLED_TURNS = 20;
const MOST_TURNS = 5_000;

export async function setup(env: any): Promise<void> {
  env.state.sleeps = [];
  env.state.busy = 0;
  // Here the process stays, whatever Node would do, so that one can look at what is left; what happened is told.
  process.on('unhandledRejection', (error: any) => env.emit('unhandled', { error: String(error?.message ?? error) }));
  await begin(env);
}

export async function teardown(env: any): Promise<void> {
  await env.state.app.stop();
}

/** Start a process of the service; what an earlier one had in its memory is gone. */
async function begin(env: any): Promise<void> {
  const log = {
    info: (event: string, facts = {}) => env.log({ event, level: 'info', ...facts }),
    error: (event: string, facts = {}) => env.log({ event, level: 'error', ...facts }),
  };
  const life = { dead: false };
  env.state.life = life;
  const connect = async () => (life.dead ? await new Promise<never>(() => {}) : counted(env, await env.connect('main')));
  const sleep = async (ms: number) => {
    env.state.sleeps.push(ms);
    await new Promise((done) => setImmediate(done));
    if (life.dead) await new Promise<never>(() => {});
  };
  env.state.app = buildApp(connect, log, sleep);
  await env.state.app.start();
}

/** As the shop does: send an order, of one line or of `lines` as pairs of product and quantity. */
export async function submit(env: any, { orderId = 'o-1', sku = 'sku-1', quantity = 1, unitCents = 500, customerId = 'c-1', lines }: any) {
  const basket = (lines ?? [[sku, quantity]]).map(([name, units]: any) => ({ sku: name, quantity: units, unitCents }));
  return await env.state.app.service.processOrder({ orderId, customerId, lines: basket });
}

export const status = (env: any, { orderId }: any) => env.state.app.service.status(orderId);

/** Pauses that the worker has asked for, in milliseconds; they pass at once. */
export const sleeps = (env: any) => env.state.sleeps;

/** What a deployment does: ask the process to stop, wait for it, start the next one. */
export async function redeploy(env: any): Promise<void> {
  await env.state.app.stop();
  env.state.life.dead = true;
  await begin(env);
}

/** What a crash does: the process is gone in the middle of whatever it did, and a new one starts. */
export async function crash(env: any): Promise<void> {
  env.state.life.dead = true;
  await begin(env);
}

/** A crash in the moment in which the last of these orders has its answer, before anything else can happen; says how many were taken. */
export async function submitThenCrash(env: any, { orders }: any): Promise<number> {
  const answers = await Promise.allSettled(orders.map((order: any) => submit(env, order)));
  await crash(env);
  return answers.filter(({ status }) => status === 'fulfilled').length;
}

/** Ask the process to stop and say when it says that it has. */
export const stop = (env: any) => env.state.app.stop();

/** A connection whose statements under way are counted. */
function counted(env: any, connection: any): any {
  const count = (name: string) => async (...values: unknown[]) => {
    env.state.busy += 1;
    try {
      return await connection[name](...values);
    } finally {
      env.state.busy -= 1;
    }
  };
  return { execute: count('execute'), commit: count('commit'), rollback: count('rollback'), close: count('close') };
}

/** Let the worker go on until nothing more comes of it: so many turns of the loop in a row in which the database had nothing to do. */
export async function settle(env: any, { turns = SETTLED_TURNS }: any = {}): Promise<void> {
  const probe = await env.connect('main');
  for (let quiet = 0, all = 0; quiet < turns && all < MOST_TURNS; all++) {
    await probe.execute('SELECT 1'); // an answer of the world comes after those that were asked for before it
    await new Promise((done) => setImmediate(done));
    quiet = env.state.busy === 0 ? quiet + 1 : 0;
  }
  await probe.close();
}
