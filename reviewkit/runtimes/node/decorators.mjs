// Compiles decorators along with the types that they stand at, which dependency injection reads (`emitDecoratorMetadata`).
//
// esbuild compiles them with their places, and throws the types away. swc is asked for these alone, and only where there is a
// decorator: to load it takes longer than most cells run.
import { readFileSync, statSync } from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import { withTypes } from './metadata.mjs';
import { compilerOptions } from './tsconfig.mjs';

const TYPED = /\.[mc]?tsx?$/;
/** What holds where the workspace has no tsconfig.json: what frameworks that inject ask for. */
const USUAL = { experimentalDecorators: true, emitDecoratorMetadata: true };
const TAKEN = { experimentalDecorators: 'boolean', emitDecoratorMetadata: 'boolean', useDefineForClassFields: 'boolean', target: 'string' };
/** Stands for an error: there is no swc for this system, or somebody has taken it away. */
export const LACKING = 'swc is lacking';

/** Code with its source map at its end. */
export const withMap = (code, map) => `${code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}\n`;

export class Decorators {
  #esbuild;
  #require;
  #unpacked;
  #maps = new Map(); // of what was compiled last under a name

  /**
   * @param {NodeRequire} require finds acorn and swc, which are loaded with the first decorator
   * @param {string} unpacked folder where swc keeps its code, which comes packed
   */
  constructor(esbuild, require, unpacked) {
    this.#esbuild = esbuild;
    this.#require = require;
    this.#unpacked = unpacked;
  }

  /** Compiler options of a folder of the workspace, as far as they concern decorators. */
  options(root, folder = root) {
    const said = compilerOptions(this.#require('acorn').parse, root, folder) ?? USUAL;
    const taken = Object.fromEntries(Object.entries(TAKEN).filter(([key, type]) => typeof said[key] === type).map(([key]) => [key, said[key]]));
    return taken.experimentalDecorators ? taken : { ...taken, emitDecoratorMetadata: false }; // tsc refuses the one without the other
  }

  /** A plugin of esbuild that compiles decorators in files of the workspace. */
  plugin(root) {
    return {
      name: 'decorators',
      setup: (build) => build.onLoad({ filter: TYPED, namespace: 'file' }, async ({ path: file }) => {
        // Waiting for files to be read would take longer than reading them; what is no file may never end, and esbuild waits for it.
        if (file.split(path.sep).includes('node_modules') || !statSync(file).isFile()) return undefined;
        try {
          const contents = await this.compiled(readFileSync(file, 'utf8'), file.endsWith('x') ? 'tsx' : 'ts', root, path.relative(root, file));
          return contents === null ? undefined : { contents, loader: 'ts' };
        } catch (failure) {
          return { errors: failure.errors?.map(({ text, location }) => ({ text, location })) ?? [{ text: failure.message }] };
        }
      }),
    };
  }

  /**
   * Code whose decorators are compiled, with its map, for esbuild to go on with as TypeScript.
   * @param {string} name a path from the root, of a file or of a cell that stands for one
   * @param {boolean} bundled see `withTypes`
   * @returns {Promise<string | null>} null where there is nothing to compile. Throws what esbuild throws, and LACKING.
   */
  async compiled(code, loader, root, name, bundled = true) {
    this.#maps.delete(name);
    if (!code.includes('@')) return null;
    const options = this.options(root, path.dirname(path.join(root, name)));
    if (!options.experimentalDecorators) return null;
    const { code: made, map } = await this.#esbuild.transform(code, {
      loader, sourcefile: name, format: 'esm', target: 'node20', jsx: 'automatic', keepNames: true, sourcemap: 'external', sourcesContent: false,
      legalComments: 'none', logLevel: 'silent', tsconfigRaw: { compilerOptions: { ...options, verbatimModuleSyntax: true } },
    });
    if (!made.includes('__decorateClass(')) return null; // the sign stands in a text, a comment, the name of a package
    const places = { ...JSON.parse(map), sources: [path.join(root, name)] };
    const whole = options.emitDecoratorMetadata ? this.#withTypes(made, code, loader, name, bundled) : made;
    this.#maps.set(name, { map: new SourceMap(places), lines: code.split('\n') });
    return withMap(whole, places);
  }

  #withTypes(made, code, loader, name, bundled) {
    const swc = this.#swc();
    const { parse } = this.#require('acorn');
    try {
      const told = swc.transformSync(code, {
        configFile: false, swcrc: false, isModule: true, sourceMaps: false, jsc: {
          parser: { syntax: 'typescript', tsx: loader === 'tsx', decorators: true }, target: 'es2022',
          transform: { legacyDecorator: true, decoratorMetadata: true, react: { runtime: 'automatic' } },
        },
      });
      return withTypes((text) => parse(text, { ecmaVersion: 'latest', sourceType: 'module' }), made, told.code, bundled);
    } catch (failure) {
      const [, text, line] = /^\s*x (.+)\n\s*,-\[(?:[^\]]*:)?(\d+):\d+\]/.exec(failure.message) ?? [undefined, failure.message];
      throw new Error(`${name}:${line ? `${line}:` : ''} ${text}`); // swc reads little that esbuild does not
    }
  }

  #swc() {
    process.env.SWC_NATIVE_BINDING_CACHE = this.#unpacked; // else the user's cache folder; where it cannot write, it takes another
    try {
      return this.#require('@swc/core');
    } catch {
      throw new Error(LACKING);
    } finally {
      delete process.env.SWC_NATIVE_BINDING_CACHE; // nothing that a cell has to see
    }
  }

  /** The place in what people wrote that one in what was compiled of it means. */
  written(place) {
    const found = this.#maps.get(place.file);
    const { originalLine: line, originalColumn: column } = found?.map.findEntry(place.line - 1, place.column) ?? {};
    return line === undefined ? place : { ...place, line: line + 1, column, lineText: found.lines[line] };
  }
}
