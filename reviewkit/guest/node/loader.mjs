// Makes a tree of TypeScript importable as it is: types are stripped by Node itself, inside this process.
import { readFileSync, statSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const TYPED = /\.[mc]?ts$/;

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
  const candidates = [url, url.replace(/\.js$/, '.ts'), `${url}.ts`, `${url}/index.ts`, `${url}.mjs`, `${url}.js`];
  return candidates.find(isFile);
}

/**
 * Import a driver whose text is given as if it lay in the root of a tree, and with it what it imports from there.
 * @returns {Promise<object>} the driver's exports
 */
export function importDriver(root, name, source) {
  const driver = pathToFileURL(`${root}/${name}`).href;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === driver) return { url: driver, format: 'module', shortCircuit: true };
      const url = /^\.{1,2}\//.test(specifier) && context.parentURL?.startsWith('file:') ? found(specifier, context.parentURL) : undefined;
      return url && TYPED.test(url) ? { url, format: 'module', shortCircuit: true } : next(url ?? specifier, context);
    },
    load(url, context, next) {
      if (url !== driver && !TYPED.test(url)) return next(url, context);
      const text = url === driver ? source : readFileSync(fileURLToPath(url), 'utf8');
      const code = TYPED.test(url) ? stripTypeScriptTypes(text, { mode: 'transform', sourceMap: true, sourceUrl: url }) : text;
      return { format: 'module', source: code, shortCircuit: true };
    },
  });
  return import(driver);
}
