// What a cell in a worker puts out, and how what goes wrong in it is told.
import { inspect } from 'node:util';
import { fileURLToPath } from 'node:url';

const MOST = 1_000_000; // characters of output of one cell
const OWN = new URL('.', import.meta.url).href;
let left = MOST;

/** Let a further cell of the same worker put out as much as the first. */
export const again = () => (left = MOST);

/** Send what is written over a port at once: a worker's own streams wait for the main thread between writes, and what a loop had printed before it was stopped would be lost. */
export function capture(port) {
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
}

/** Stack of an error and of its causes, or what was thrown that is none. */
function stack(error) {
  const parts = [];
  for (let at = error; at !== undefined && parts.length < 5; at = at instanceof Error ? at.cause : undefined) {
    parts.push(at instanceof Error ? String(at.stack ?? at) : `Uncaught ${inspect(at)}`);
  }
  return parts.join('\ncaused by ');
}

const PLACE = /^\s+at (?:async )?(?:[^(]+ \()?(file:[^)]*)/;

/** An error as text: paths relative to the workspace, the cell by its name, frames of the runner, of Node and of what esbuild adds left out. */
export function told(error, { file, root, name }) {
  const built = new URL('.', file).href; // a frame there has no place in what people wrote
  let text;
  try {
    text = stack(error);
  } catch {
    text = 'an error that cannot be printed';
  }
  return text
    .split('\n')
    .filter((line) => !/^\s+at .*(\(node:|at node:|node:internal\/)/.test(line) && !line.includes(OWN) && !line.includes(fileURLToPath(OWN)))
    .filter((line) => !PLACE.exec(line)?.[1].startsWith(built))
    .join('\n')
    .replaceAll(`file://${root}/`, '').replaceAll(`${root}/`, '').replaceAll(fileURLToPath(file), name).replaceAll(file, name)
    .slice(0, 20_000);
}
