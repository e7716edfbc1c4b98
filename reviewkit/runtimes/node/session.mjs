// The cells of one session in one worker, one after another: what their top levels declare are properties of the global object.
import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';
import { workerData } from 'node:worker_threads';
import { again, capture, told } from './output.mjs';

const { port } = workerData;
const VALUE = { depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100 };
const MOST_LATE = 20;
const whose = new AsyncLocalStorage(); // the cell that something belongs to, also when a timer or a promise comes back later
let cell = null, ended = true;
const late = []; // errors of cells that had ended, told with the next one

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

function done(of, text) {
  if (of !== cell || ended) return;
  ended = true;
  port.postMessage(['done', of.number, text]);
}

/** An error that nobody handles fails the cell that it is of while that runs; later it is told and ends nothing. */
function fail(error) {
  const of = whose.getStore() ?? cell;
  if (of === cell && !ended) return done(of, told(error, of));
  const text = `an earlier cell: ${told(error, of)}\n`;
  if (!ended) process.stderr.write(text);
  else if (late.length < MOST_LATE) late.push(text);
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

port.on('message', (next) => whose.run(next, async () => {
  [cell, ended] = [next, false];
  again();
  if (next.database) process.env.DATABASE_URL = next.database;
  port.postMessage(['begin']);
  for (const text of late.splice(0)) process.stderr.write(text);
  try {
    declare(next.names);
    const { default: value } = await import(next.file);
    if (next === cell && !ended && value !== undefined) process.stdout.write(`${inspect(value, VALUE)}\n`);
    done(next, null);
  } catch (error) {
    fail(error);
  }
}));
