// One cell in one worker: its output goes out at once, and what goes wrong is told with the place in the cell or the file.
//
// The worker starts before there is a cell for it, since its start takes longer than a cell; it hears over its port what to run.
import { once } from 'node:events';
import { inspect } from 'node:util';
import { fileURLToPath } from 'node:url';
import { workerData } from 'node:worker_threads';

const { port } = workerData;
const MOST = 1_000_000; // characters of output of one cell
let left = MOST;

process.setSourceMapsEnabled(true);

// A worker's own streams wait for the main thread between writes: what a loop had printed before it was stopped would be lost.
for (const stream of ['stdout', 'stderr']) {
  process[stream].write = (chunk, encoding, callback) => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    if (left >= 0) {
      if (left > 0) port.postMessage([stream, text.slice(0, left)]);
      if (text.length > left) port.postMessage(['stderr', `\n[output cut after ${MOST} characters]\n`]);
      left = text.length > left ? -1 : left - text.length;
    }
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  };
}

/** Stack of an error and of its causes, or what was thrown that is none. */
function stack(error) {
  const parts = [];
  for (let at = error; at !== undefined && parts.length < 5; at = at instanceof Error ? at.cause : undefined) {
    parts.push(at instanceof Error ? String(at.stack ?? at) : `Uncaught ${inspect(at)}`);
  }
  return parts.join('\ncaused by ');
}

/** An error as text: paths relative to the workspace, the cell by its name, frames of the runner and of Node left out. */
function told(error) {
  let text;
  try {
    text = stack(error);
  } catch {
    text = 'an error that cannot be printed';
  }
  const own = fileURLToPath(import.meta.url);
  return text
    .split('\n')
    .filter((line) => !/^\s+at .*(\(node:|at node:|node:internal\/)/.test(line) && !line.includes(own))
    .join('\n')
    .replaceAll(`file://${root}/`, '').replaceAll(`${root}/`, '').replaceAll(fileURLToPath(file), name).replaceAll(file, name)
    .slice(0, 20_000);
}

function fail(error) {
  port.postMessage(['error', told(error)]);
  process.exit(1);
}

const [{ file, root, name }] = await once(port, 'message');
port.unref();
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
port.postMessage(['begin']);
try {
  await import(file);
} catch (error) {
  fail(error);
}
