// One cell in one worker: its output goes out at once, and what goes wrong is told with the place in the cell or the file.
//
// The worker starts before there is a cell for it, since its start takes longer than a cell; it hears over its port what to run.
import { once } from 'node:events';
import { workerData } from 'node:worker_threads';
import { capture, told } from './output.mjs';

const { port } = workerData;
process.setSourceMapsEnabled(true);
capture(port);

const [cell] = await once(port, 'message');
port.unref();
if (cell.database) process.env.DATABASE_URL = cell.database;

function fail(error) {
  port.postMessage(['error', told(error, cell)]);
  process.exit(1);
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
port.postMessage(['begin']);
try {
  await import(cell.file);
} catch (error) {
  fail(error);
}
