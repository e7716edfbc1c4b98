// The Node host: one process per kernel that builds cells with esbuild and runs each in a fresh worker.
//
// `node host.mjs MODULES FOLDER MEGABYTES`: MODULES is a node_modules folder with esbuild and typescript, FOLDER belongs to this
// process and is removed by it, MEGABYTES are the heap of a cell. Requests are lines of JSON on stdin, events lines of RS + JSON on stdout; see base.py.
// The main thread only builds and passes on, so that it always hears a stop, and the end of its input: the kernel is gone.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { Decorators, LACKING } from './decorators.mjs';
import { page } from './live.mjs';
import { Sessions, limits } from './sessions.mjs';

const [, , modules, folder, megabytes] = process.argv;
const RUNNER = new URL('./runner.mjs', import.meta.url);
const OWN = fileURLToPath(new URL('./cells', import.meta.url)); // the package `reviewkit` of cells
const PARENT = process.ppid;
const ORPHAN_MS = 500;
const START_MS = 20_000; // for building a cell and starting its worker; the cell's own time begins with its first line
const require = createRequire(path.join(modules, 'reviewkit.cjs'));
const esbuild = require('esbuild');
const decorators = new Decorators(esbuild, require, path.join(path.dirname(modules), 'swc'));
let sessions = null;

const cells = path.join(folder, 'cells'); // what is run lies here: it finds our own package first, then those of the setup
mkdirSync(path.join(cells, 'node_modules'), { recursive: true });
symlinkSync(modules, path.join(folder, 'node_modules'));
symlinkSync(OWN, path.join(cells, 'node_modules', 'reviewkit'));
let running = null; // { id, stop }
let spare = started(); // the worker of the next cell, which has run nothing

const ascii = (text) => text.replace(/[\u007f-\uffff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
const send = (event) => process.stdout.write('\n\u001e' + ascii(JSON.stringify(event)) + '\n');

function leave() {
  rmSync(folder, { recursive: true, force: true });
  try {
    process.kill(-process.pid, 'SIGKILL'); // what cells have started goes along
  } catch {
    // not the leader of a group: a system without them
  }
  process.exit(0);
}

const located = (error) => {
  const at = error.location && decorators.written(error.location);
  if (at?.file.startsWith('cell:')) return `${at.file.replace(/^cell:/, '')}: ${error.text}`; // its lines are not the reader's
  if (!at) return error.text;
  const text = at.lineText === undefined ? '' : `\n    ${at.lineText}\n    ${' '.repeat(at.column)}^`;
  return `${at.file}:${at.line}:${at.column + 1}: ${error.text}${text}`;
};

async function built(request) {
  const outfile = path.join(cells, `run-${request.id}.mjs`);
  const compiled = await decorators.compiled(request.code, request.loader, request.root, request.name);
  const cell = compiled === null ? { contents: request.code, loader: request.loader } : { contents: compiled, loader: 'ts' };
  const plugins = /\b(?:import|from|require)\b/.test(request.code) ? [decorators.plugin(request.root)] : []; // others have no file to compile
  const result = await esbuild.build({
    stdin: { ...cell, sourcefile: request.name, resolveDir: request.root }, plugins,
    absWorkingDir: request.root, outfile, write: false, bundle: true, packages: 'external', platform: 'node',
    format: 'esm', target: 'node20', jsx: 'automatic', sourcemap: 'inline', sourcesContent: false, logLevel: 'silent',
  });
  writeFileSync(outfile, result.outputFiles[0].contents);
  return outfile;
}

/** What is built; a stop, or too long a time, ends the wait for it: what is built later is not used. */
function unlessStopped({ id, name }, milliseconds, work) {
  let timer;
  const stopped = new Promise((_, fail) => {
    const stop = (why) => fail(Object.assign(new Error(why.text), { why }));
    timer = setTimeout(() => stop({ kind: 'build', text: `${name} was not built within ${milliseconds / 1000} s.` }), milliseconds);
    running = { id, stop };
  });
  return Promise.race([work, stopped]).finally(() => {
    clearTimeout(timer);
    running = null;
  });
}

const notBuilt = (failure, { root }) => {
  if (failure.why) return failure.why;
  const errors = failure.errors ?? [];
  if (failure.message === LACKING || errors.some(({ text }) => text === LACKING)) return { kind: 'swc', text: '' };
  const texts = errors.map(located);
  return { kind: 'build', text: (texts.join('\n') || String(failure.message)).replaceAll(`${root}/`, '') };
};

async function run(request) {
  let file;
  try {
    file = await unlessStopped(request, START_MS, built(request));
  } catch (failure) {
    return notBuilt(failure, request);
  }
  try {
    return await inWorker(request, file);
  } finally {
    unlinkSync(file);
  }
}

async function inSession(request) {
  sessions ??= new Sessions(esbuild, require('acorn'), decorators, path.join(cells, 'session'), Number(megabytes));
  if (request.reset) await sessions.reset(request.session);
  let cell;
  try {
    cell = await unlessStopped(request, START_MS, sessions.build(request));
  } catch (failure) {
    return notBuilt(failure, request);
  }
  const { id } = request;
  try {
    return await sessions.run(request, cell, (stream, text) => send({ id, stream, text }), (stop) => (running = { id, stop }));
  } finally {
    running = null;
  }
}

function started() {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(RUNNER, {
    workerData: { port: port2 }, transferList: [port2], resourceLimits: limits(Number(megabytes)), stdin: true,
  });
  const made = { worker, port: port1, well: true };
  for (const event of ['error', 'exit']) worker.on(event, () => (made.well = false));
  return made;
}

function fresh() {
  const made = spare?.well ? spare : started();
  spare = null;
  return made;
}

function inWorker({ id, timeout, root, name, database }, file) {
  const { worker, port } = fresh();
  return new Promise((resolve) => {
    let error = null, ended = null;
    const stop = (why) => {
      ended ??= why;
      worker.terminate();
    };
    const late = () => stop({ kind: 'timeout', text: '' });
    let timer = setTimeout(late, START_MS);
    running = { id, stop };
    port.on('message', ([what, value]) => {
      if (what === 'begin') {
        clearTimeout(timer);
        timer = setTimeout(late, timeout * 1000);
      } else if (what === 'error') error ??= { kind: 'error', text: value };
      else send({ id, stream: what, text: value });
    });
    worker.on('error', (failure) => {
      const full = failure.code === 'ERR_WORKER_OUT_OF_MEMORY';
      error ??= { kind: full ? 'memory' : 'error', text: full ? '' : String(failure?.stack ?? failure) };
    });
    worker.on('exit', async (code) => {
      clearTimeout(timer);
      running = null;
      // Messages that the worker had posted before its end arrive after this event.
      await new Promise((done) => setImmediate(() => setImmediate(done)));
      port.close();
      resolve(ended ?? error ?? (code === 0 ? null : { kind: 'exit', text: String(code) }));
    });
    port.postMessage({ file: pathToFileURL(file).href, root, name, database });
  });
}

function check(request) {
  const project = path.join(folder, 'tsconfig.json');
  const { experimentalDecorators, emitDecoratorMetadata } = decorators.options(request.root);
  writeFileSync(project, JSON.stringify({
    compilerOptions: {
      noEmit: true, strict: true, target: 'es2023', lib: ['es2023', 'dom', 'dom.iterable'], module: 'esnext',
      moduleResolution: 'bundler', jsx: 'react-jsx', skipLibCheck: true, allowImportingTsExtensions: true,
      types: ['node'], typeRoots: [path.join(modules, '@types')], paths: { reviewkit: [path.join(OWN, 'gate.d.mts')], '*': [path.join(modules, '@types/*'), path.join(modules, '*')] },
      allowJs: request.files.some((file) => /\.jsx?$/.test(file)), experimentalDecorators, emitDecoratorMetadata,
    },
    files: request.files.map((file) => path.join(request.root, file)),
  }));
  const tsc = spawn(process.execPath, [path.join(modules, 'typescript', 'bin', 'tsc'), '--pretty', 'false', '-p', project], {
    cwd: request.root, stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Promise((resolve) => {
    let text = '', ended = null;
    const stop = (why) => {
      ended ??= why;
      tsc.kill('SIGKILL');
    };
    const timer = setTimeout(() => stop({ kind: 'timeout', text: '' }), request.timeout * 1000);
    running = { id: request.id, stop };
    for (const stream of [tsc.stdout, tsc.stderr]) stream.on('data', (data) => (text += data));
    tsc.on('error', (failure) => (ended ??= { kind: 'error', text: failure.message }));
    tsc.on('close', (code) => {
      clearTimeout(timer);
      running = null;
      resolve(ended ?? (code === 0 ? null : { kind: 'types', text: text.trim() }));
    });
  });
}

async function live(request) {
  try {
    return { value: await unlessStopped(request, request.timeout * 1000, page(esbuild, require('acorn'), decorators, modules, request)) };
  } catch (failure) {
    return notBuilt(failure, request);
  }
}

const OPERATIONS = { run, check, session: inSession, live };

async function handle(request) {
  if (request.op === 'stop') {
    running?.stop({ kind: 'stopped', text: '' });
    return;
  }
  const began = performance.now();
  let error, value;
  try {
    const outcome = await OPERATIONS[request.op](request);
    if (outcome?.value === undefined) error = outcome;
    else value = outcome.value;
  } catch (failure) {
    error = { kind: 'error', text: String(failure?.stack ?? failure) };
  }
  send({ id: request.id, end: true, error, value, ms: performance.now() - began });
  setImmediate(() => (spare ??= started()));
}

createInterface({ input: process.stdin }).on('line', (line) => void handle(JSON.parse(line))).on('close', leave);
// A process forked off the kernel may keep the other end of the pipe open.
setInterval(() => process.ppid === PARENT || leave(), ORPHAN_MS).unref();
process.on('SIGTERM', leave);
send({ ready: true, node: process.version });
