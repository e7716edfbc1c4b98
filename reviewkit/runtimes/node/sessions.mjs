// Sessions: cells that share a worker and with it their variables. Files of the workspace are built apart from the cells that import
// them: one that did not change is the same module for each cell, one that was written anew is a new one for the cells that follow.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { withMap } from './decorators.mjs';
import { importsOf, rewritten } from './rewrite.mjs';

const RUNNER = new URL('./session.mjs', import.meta.url);
const SOURCE = /\.(?:[cm]?[jt]sx?|json)$/;
const ENDINGS = ['', '.ts', '.tsx', '.mts', '.js', '.jsx', '.mjs', '.json', '/index.ts', '/index.tsx', '/index.js'];
const START_MS = 20_000;

/** Limits of a worker; code gets its room when the worker starts, half a gigabyte of what the process may write to if nobody says less. */
export const limits = (megabytes) => ({ maxOldGenerationSizeMb: megabytes, codeRangeSizeMb: 64 });

export class Sessions {
  #esbuild;
  #acorn;
  #decorators;
  #folder;
  #megabytes;
  #open = new Map(); // name -> { worker, port, hear, well }
  #ended = new Map(); // name -> why
  #cells = 0;

  /** @param {import('./decorators.mjs').Decorators} decorators @param {string} folder for built files, below one with node_modules @param {number} megabytes heap of a session */
  constructor(esbuild, acorn, decorators, folder, megabytes) {
    this.#esbuild = esbuild;
    this.#acorn = acorn;
    this.#decorators = decorators;
    this.#folder = folder;
    this.#megabytes = megabytes;
  }

  /** A cell as a module of its own. Throws what esbuild throws. */
  async build({ code, root, name, loader }) {
    const compiled = await this.#decorators.compiled(code, loader, root, name, false);
    const { code: made, map } = await this.#esbuild.transform(compiled ?? code, {
      loader: compiled === null ? loader : 'ts', sourcefile: path.join(root, name), format: 'esm', target: 'node20', jsx: 'automatic', sourcemap: 'external',
      sourcesContent: false, banner: ';', legalComments: 'none', logLevel: 'silent',
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } }, // what one cell imports another uses
    });
    const tree = this.#acorn.parse(made, { ecmaVersion: 'latest', sourceType: 'module' });
    const urls = await this.#modules(root, importsOf(tree).map((source) => source.value).filter((text) => /^\.{0,2}\//.test(text)));
    const { code: whole, names } = rewritten(made, tree, (specifier) => urls.get(specifier) ?? specifier);
    const file = path.join(this.#folder, `cell-${++this.#cells}.mjs`);
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(file, withMap(whole, { ...JSON.parse(map), sources: [path.join(root, name)] }));
    return { file: pathToFileURL(file).href, names, number: this.#cells };
  }

  /** Addresses of what a cell imports from the workspace, by specifier. */
  async #modules(root, specifiers) {
    const wanted = new Map(specifiers.map((text) => [text, located(root, text)]));
    for (const [text, file] of wanted) if (file === undefined) throw new Error(`Could not resolve ${JSON.stringify(text)}`);
    let files = new Set(wanted.values()), built = null;
    while (files.size && (built === null || built.files.size > files.size)) {
      files = built?.files ?? files;
      built = await this.#built(root, files);
    }
    return new Map([...wanted].map(([text, file]) => [text, built.urls.get(file)]));
  }

  /** Build files so that each is in a file of its own that is named by its content, whoever else is built with it. */
  async #built(root, files) {
    const outdir = path.join(this.#folder, 'files');
    const result = await this.#esbuild.build({
      // A file that two lead to is kept apart from both: this entry leads to all.
      stdin: { contents: [...files].map((file) => `import ${JSON.stringify(file)};`).join('\n'), resolveDir: root, sourcefile: 'all' },
      entryPoints: [...files].map((file) => ({ in: file, out: path.relative(root, file) })), entryNames: '[dir]/[name]-[hash]', chunkNames: '[hash]',
      plugins: [this.#decorators.plugin(root)], absWorkingDir: root, outdir, outExtension: { '.js': '.mjs' }, write: false, bundle: true, splitting: true, metafile: true,
      ignoreAnnotations: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20', jsx: 'automatic',
      sourcemap: 'inline', sourcesContent: false, logLevel: 'silent',
    });
    for (const { path: file, contents } of result.outputFiles) {
      if (existsSync(file)) continue;
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, contents);
    }
    const inputs = Object.keys(result.metafile.inputs).map((file) => path.resolve(root, file)).filter((file) => SOURCE.test(file));
    const urls = new Map();
    for (const [file, { entryPoint }] of Object.entries(result.metafile.outputs)) {
      if (entryPoint !== undefined) urls.set(path.resolve(root, entryPoint), pathToFileURL(path.resolve(root, file)).href);
    }
    return { files: new Set([...files, ...inputs]), urls };
  }

  /**
   * Run a cell that was built. A cell that has to be ended ends its session.
   * @param {(stream: string, text: string) => void} show takes its output
   * @param {(stop: (why: object) => void) => void} begun gets what ends it
   * @returns {Promise<object | null>} what went wrong
   */
  run({ session: name, timeout, root, name: cell, database }, { file, names, number }, show, begun) {
    const session = this.#session(name, show);
    return new Promise((resolve) => {
      let error = null;
      const settle = (outcome) => {
        clearTimeout(timer);
        session.hear = () => undefined;
        resolve(outcome);
      };
      const stop = (why) => {
        error ??= why;
        void session.worker.terminate();
      };
      const late = () => stop({ kind: 'timeout', text: 'session' });
      let timer = setTimeout(late, START_MS);
      begun(stop);
      session.hear = (what, value, text) => {
        if (what === 'begin') {
          clearTimeout(timer);
          timer = setTimeout(late, timeout * 1000);
        } else if (what === 'done') value === number && settle(text === null ? null : { kind: 'error', text });
        else if (what === 'failed') error ??= value;
        else if (what === 'exit') settle(error ?? { kind: 'exit', text: String(value) });
        else show(what, value);
      };
      session.port.postMessage({ file, names, number, root, name: cell, database });
    });
  }

  #session(name, show) {
    const found = this.#open.get(name);
    if (found) return found;
    if (this.#ended.delete(name)) show('stderr', '[the session had to be ended and begins anew: its variables are gone]\n');
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(RUNNER, {
      workerData: { port: port2 }, transferList: [port2], resourceLimits: limits(this.#megabytes), stdin: true,
    });
    const session = { worker, port: port1, hear: () => undefined };
    port1.on('message', (message) => session.hear(...message));
    worker.on('error', (failure) => {
      const full = failure.code === 'ERR_WORKER_OUT_OF_MEMORY';
      session.hear('failed', full ? { kind: 'memory', text: '' } : { kind: 'error', text: String(failure?.stack ?? failure) });
    });
    worker.on('exit', async (code) => {
      this.#open.delete(name);
      this.#ended.set(name, true);
      await new Promise((done) => setImmediate(() => setImmediate(done))); // what it had said before arrives after this event
      port1.close();
      session.hear('exit', code);
    });
    this.#open.set(name, session);
    return session;
  }

  /** End a session, so that the next cell of it begins with nothing. */
  async reset(name) {
    await this.#open.get(name)?.worker.terminate();
    this.#open.delete(name);
    this.#ended.delete(name);
  }
}

/** The file that an import from a cell means; undefined where there is none. */
function located(root, specifier) {
  const place = specifier.startsWith('/') ? specifier : path.resolve(root, specifier);
  const candidates = [...ENDINGS.map((ending) => place + ending), place.replace(/\.js$/, '.ts'), place.replace(/\.jsx$/, '.tsx')];
  return candidates.find((file) => existsSync(file) && statSync(file).isFile());
}
