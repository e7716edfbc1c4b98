// The cells of one session in one worker, one after another: what their top levels declare are properties of the global object.
import { inspect } from 'node:util';
import { workerData } from 'node:worker_threads';
import { again, capture, told } from './output.mjs';

const { port } = workerData;
const VALUE = { depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100 };
let cell = null;

process.setSourceMapsEnabled(true);
capture(port);

/** Have global variables of these names that can be assigned to, whatever Node has there. */
function declare(names) {
  for (const name of names) {
    const found = Object.getOwnPropertyDescriptor(globalThis, name);
    if (found && (found.writable || !found.configurable)) continue;
    Object.defineProperty(globalThis, name, { value: globalThis[name], writable: true, configurable: true, enumerable: true });
  }
}

const fail = (error) => port.postMessage(['done', cell?.number, told(error, cell)]);
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

port.on('message', async (next) => {
  cell = next;
  again();
  port.postMessage(['begin']);
  try {
    declare(next.names);
    const { default: value } = await import(next.file);
    if (value !== undefined) process.stdout.write(`${inspect(value, VALUE)}\n`);
    port.postMessage(['done', next.number, null]);
  } catch (error) {
    fail(error);
  }
});
