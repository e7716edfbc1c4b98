// Makes a tree of TypeScript importable as it is: types are stripped by Node itself, inside a guest. That takes longer than all else
// of its start, so the parent asks the first guest of a tree for the outcome, before that loads a line, and gives it to the others.
import { readFileSync, statSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const TYPED = /\.(?:[mc]?ts|tsx|jsx)$/;
const MODULE = /\.(?:m?[jt]s|cts|[jt]sx)$/; // of the tree; what a file without types is, Node would look up in folders above it
const KIT = 'kit:';

const isFile = (url) => {
  try {
    return statSync(fileURLToPath(url)).isFile();
  } catch {
    return false;
  }
};

/** Where a relative import leads: `./orders`, `./orders.js` and `./orders.ts` all mean the TypeScript file. */
function found(specifier, parent) {
  const url = new URL(specifier, parent).href;
  const candidates = [url, url.replace(/\.js$/, '.ts'), `${url}.ts`, `${url}.tsx`, `${url}.jsx`, `${url}/index.ts`, `${url}.mjs`, `${url}.js`];
  return candidates.find(isFile);
}

const IMPORT = /^([ \t]*)import\s+(?:([\w$]+)(?:\s*,\s*(?=\{))?)?\s*(?:\{([^}]*)\})?\s*from\s*(['"][^'"\n]+['"])\s*;?/gm;
const EXPORTED_TYPE = /^[ \t]*export\s+(?:declare\s+)?(?:interface|type)\s+([\w$]+)/gm;
const blank = (text) => text.replace(/[^\n]/g, ' ');

/**
 * Leave out imports that only types were needed of, as the compiler does: once the types are gone, nothing uses them. Node wants
 * `import type` for those, which nobody has to write elsewhere.
 */
function withoutTypeImports(code) {
  return code.replace(IMPORT, (whole, _indent, single, names, _from, offset) => {
    const rest = code.slice(0, offset) + code.slice(offset + whole.length);
    const isUsed = (name) => new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`).test(rest);
    const listed = (names ?? '').split(',').filter((part) => part.trim());
    const kept = listed.filter((part) => isUsed(part.trim().split(/\s+as\s+/).at(-1).trim()));
    const keepsSingle = single !== undefined && isUsed(single);
    if (kept.length === listed.length && (single === undefined || keepsSingle)) return whole;
    if (kept.length === 0 && !keepsSingle) return blank(whole);
    return names === undefined ? whole : whole.replace(`{${names}}`, `{${kept.join(',')}}`);
  });
}

/** Types that a file exports, as exports without a value: an import that is left then finds its name. */
function typeExports(source, code) {
  const names = new Set(Array.from(source.matchAll(EXPORTED_TYPE), (match) => match[1]));
  return [...names].filter((name) => !new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`).test(code))
    .map((name) => `export const ${name} = undefined;`).join('');
}

/** The JavaScript that a text of TypeScript means. */
export function strip(source) {
  const code = withoutTypeImports(stripTypeScriptTypes(source, { mode: 'transform' }));
  return `${code}\n${typeExports(source, code)}`;
}

const PROSE = /\/\*[^]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
const REGEX = /(?<=[=(,:[!&|?{};\n]\s*|\breturn\s+)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//g;
/** What a decorator is to the engine, and to sucrase, which names the file. */
const TOKEN = /^(?:Invalid or unexpected token|Error transforming (.+): Unexpected token \(\d+:\d+\))$/;
const DECORATED = /(?:^|[\s({[;,=])@\s*[\p{ID_Start}$_(\\]/u;

/** Import a module; where what is wrong with one of these files of a tree is that it has decorators, the error says so. */
async function imported(url, root, files, read) {
  try {
    return await import(url);
  } catch (error) {
    const words = error instanceof SyntaxError ? TOKEN.exec(error.message) : null; // else something else is wrong, maybe in another file
    const isMeant = (file) => words !== null && (words[1] === undefined || decodeURIComponent(file).endsWith(`/${words[1]}`));
    const file = files.find((file) => isMeant(file) && DECORATED.test(read(file).replace(REGEX, ' ').replace(PROSE, ' ')));
    if (file === undefined) throw error;
    throw new SyntaxError(`${decodeURIComponent(file.slice(root.length))} has decorators, which probes and checks cannot run: write it without them (cells of TypeScript can have them)`);
  }
}

/**
 * Import a driver whose text is given as if it lay in the root of a tree, and with it what it imports from there.
 * @param {Record<string, string>} known code of files that were stripped before, by path from the root
 * @param {string | undefined} driverCode the driver's, likewise
 * @param {import('./kit.mjs').Kit | null} kit packages that it may import, and what turns JSX into JavaScript
 * @returns {Promise<object>} the driver's exports
 */
export function importDriver(root, name, source, known, driverCode, kit = null) {
  const driver = pathToFileURL(`${root}/${name}`).href;
  const codes = new Map(Object.entries(known).map(([path, code]) => [pathToFileURL(`${root}/${path}`).href, code]));
  if (driverCode !== undefined) codes.set(driver, driverCode);
  const typed = [];
  const text = (url) => (url === driver ? source : readFileSync(fileURLToPath(url), 'utf8'));
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === driver) return { url: driver, format: 'module', shortCircuit: true };
      if (kit?.has(specifier)) return { url: KIT + specifier, format: 'module', shortCircuit: true };
      const url = /^\.{1,2}\//.test(specifier) && context.parentURL?.startsWith('file:') ? found(specifier, context.parentURL) : undefined;
      return url && MODULE.test(url) ? { url, format: 'module', shortCircuit: true } : next(url ?? specifier, context);
    },
    load(url, context, next) {
      if (kit && url.startsWith(KIT)) return { format: 'module', source: kit.source(url.slice(KIT.length)), shortCircuit: true };
      if (url !== driver && !TYPED.test(url)) return next(url, context);
      if (TYPED.test(url)) typed.push(url);
      const made = () => codes.get(url) ?? (kit ? kit.transform(text(url), url) : strip(text(url)));
      return { format: 'module', source: TYPED.test(url) ? made() : text(url), shortCircuit: true };
    },
  });
  return imported(driver, pathToFileURL(`${root}/`).href, typed, text);
}
