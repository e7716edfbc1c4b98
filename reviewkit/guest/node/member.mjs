// One guest: loads a tree and its driver, and does what the parent asks. `node member.mjs KIT FD ROOT [LIFELINE]`.
//
// KIT is the folder of the packages that a tree with JSX may import, or `-`. FD is the wire. In the sandbox the process was locked
// down before this file was read. Elsewhere, where the system itself does not end it, LIFELINE is a descriptor that ends with the
// process that started this one, so that a loop in the tree cannot outlive it.
import { Channel } from './channel.mjs';
import { Real } from './codec.mjs';
import { installFetch } from './fetching.mjs';
import { importDriver, strip } from './loader.mjs';
import { Env } from './world.mjs';

const [, , packages, fd, root, lifeline] = process.argv;
const MAX_NAME = 80, MAX_MESSAGE = 500, BEAT_MS = 10;
const { setInterval: realInterval, clearInterval: realClear } = globalThis;
const now = performance.now.bind(performance);

process.argv.length = 2;
if (lifeline !== undefined) {
  const { Worker } = await import('node:worker_threads'); // here alone: a thread doubles what a guest costs
  const watch = `const fs = require('node:fs'); try { fs.readSync(${Number(lifeline)}, Buffer.alloc(1)); } catch {} process.kill(process.pid, 'SIGKILL');`;
  new Worker(watch, { eval: true, env: {}, execArgv: [] }).unref();
}

let driver = null, beats = [], beating = null;
const channel = new Channel(Number(fd), (number, op, payload) => void perform(number, op, payload));
const env = new Env(channel);
installFetch(channel);

const cut = (value, most) => String(value).slice(0, most).toWellFormed();

function failure(error) {
  try {
    const name = error instanceof Error ? error.name || error.constructor.name : 'Thrown';
    return { error: cut(name, MAX_NAME) || 'Error', message: cut(error instanceof Error ? error.message : error, MAX_MESSAGE) };
  } catch {
    return { error: 'Error', message: '(an error that cannot be printed)' };
  }
}

async function perform(number, op, payload) {
  let reply;
  try {
    reply = { value: await OPERATIONS[op](payload) };
  } catch (error) {
    reply = failure(error);
  }
  channel.done(number, reply);
}

let kit = null;

/** What a tree with JSX may import; null for other trees. */
async function packed() {
  if (packages === '-') return null;
  const { Kit } = await import('./kit.mjs');
  return (kit ??= new Kit(packages));
}

const OPERATIONS = {
  /** What a file means without its types; asked before anything is loaded, so that the answer depends on the file alone. */
  async strip({ source, file }) {
    return (await packed())?.transform(source, file) ?? strip(source);
  },
  async load({ driver: source, driver_name: name, driver_code: driverCode, code = {} }) {
    (await packed())?.openDocument(); // before anything looks for one
    driver = await importDriver(root, name, source, code, driverCode, kit);
    await driver.setup?.(env);
    return null;
  },
  async call({ name, kwargs }) {
    if (name.startsWith('_') || typeof driver[name] !== 'function') throw new ReferenceError(`the driver has no function '${name}'`);
    return await driver[name](env, kwargs);
  },
  heartbeat() {
    const start = now();
    beats = [0];
    beating = realInterval(() => beats.push((now() - start) / 1000), BEAT_MS);
    return null;
  },
  beats() {
    realClear(beating);
    return beats.map((beat) => new Real(beat));
  },
  async close() {
    realClear(beating);
    await driver?.teardown?.(env);
    return null;
  },
};
