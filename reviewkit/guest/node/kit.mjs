// The packages of a tree with JSX: files that `reviewkit setup node` bundled from the pinned ones, each with its compiled code beside it.
//
// Each package is evaluated when it is first imported. Before that there is a document, which React and Testing Library look for as
// they are loaded; `fetch` takes addresses relative to it, as in a browser.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

const ADDRESS = 'http://app/';
const BROWSERS = new Set(['navigator', 'Event', 'CustomEvent', 'EventTarget', 'MessageEvent', 'Storage', 'localStorage', 'sessionStorage']);
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const packages = new Map(); // name -> what it exports
/** Packages by the file that holds them: what nearly every guest needs, and what few do. */
export const PARTS = {
  kit: ['react', 'react/jsx-runtime', 'react-dom', 'react-dom/client', '@testing-library/dom', '@testing-library/react', 'happy-dom'],
  axe: ['axe-core'], acorn: ['acorn'], sucrase: ['sucrase'],
};
const PART_OF = new Map(Object.entries(PARTS).flatMap(([part, names]) => names.map((name) => [name, part])));

/** What a package exports, for the modules that stand in for it. */
export const exported = (name) => packages.get(name);

export class Kit {
  #folder;
  #parts = new Map(); // name -> { script, makers }

  /** @param {string} folder where the parts lie */
  constructor(folder) {
    this.#folder = folder;
  }

  /** Whether an import with this name means a package. */
  has(name) {
    return PART_OF.has(name);
  }

  take(name) {
    if (!packages.has(name)) packages.set(name, this.#part(PART_OF.get(name)).makers[name]());
    return packages.get(name);
  }

  /** What the engine has compiled of a part so far. */
  compiled(part) {
    return this.#part(part).script.createCachedData();
  }

  #part(part) {
    if (!this.#parts.has(part)) {
      const text = readFileSync(`${this.#folder}/${part}.cjs`, 'latin1'); // it is ASCII
      const script = new Script(`(function (module, require) {${text}\n})`, { filename: `${part}.cjs`, cachedData: cache(`${this.#folder}/${part}.cache`) });
      const module = { exports: {} };
      script.runInThisContext()(module, createRequire(import.meta.url));
      this.#parts.set(part, { script, makers: module.exports });
    }
    return this.#parts.get(part);
  }

  /** Source of a module that exports what a package does. */
  source(name) {
    const found = this.take(name);
    const names = Object.keys(found).filter((key) => key !== 'default' && IDENTIFIER.test(key));
    const whole = found.__esModule && 'default' in found ? 'all.default' : 'all';
    const lines = names.map((key) => `const _${key} = all.${key}; export { _${key} as ${key} };`);
    return `import { exported } from ${JSON.stringify(import.meta.url)}; const all = exported(${JSON.stringify(name)}); export default ${whole};${lines.join('')}`;
  }

  /** TypeScript, TSX or JSX as the JavaScript that it means; lines stay where they are. */
  transform(source, url) {
    const file = url.split('/').at(-1);
    const transforms = [...(/\.[mc]?tsx?$/.test(file) ? ['typescript'] : []), ...(/x$/.test(file) ? ['jsx'] : [])];
    const options = { transforms, jsxRuntime: 'automatic', production: true, disableESTransforms: true, filePath: file };
    return this.take('sucrase').transform(source, options).code;
  }

  /** Open an empty document and make what a browser has global, without replacing what Node has of the language and the network. */
  openDocument() {
    const { Window } = this.take('happy-dom');
    const window = new Window({ url: ADDRESS, width: 1024, height: 768, console });
    const present = new Set(Object.getOwnPropertyNames(globalThis));
    for (let at = window; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      for (const name of Object.getOwnPropertyNames(at)) {
        if (present.has(name) && !BROWSERS.has(name)) continue;
        if (name === 'constructor' || !IDENTIFIER.test(name)) continue;
        present.add(name);
        if (BROWSERS.delete(name)) delete globalThis[name]; // to replace one of these, the engine would load it, and a whole HTTP client
        Object.defineProperty(globalThis, name, property(window, name, Object.getOwnPropertyDescriptor(at, name)));
      }
    }
    globalThis.window = globalThis.self = window;
    const ask = globalThis.fetch;
    window.fetch = globalThis.fetch = (input, options) => ask(typeof input === 'string' ? new URL(input, window.document.baseURI) : input, options);
    globalThis.IS_REACT_ACT_ENVIRONMENT = true;
    return window;
  }
}

function cache(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // it is quicker with it
  }
}

/**
 * A property of the window as one of the global object; its functions, unlike its classes, want to be called on it. What it makes when
 * it is first asked is not asked for here.
 */
function property(window, name, { value }) {
  const bound = typeof value === 'function' && /^[a-z]/.test(name) ? value.bind(window) : undefined;
  return {
    configurable: true, enumerable: false,
    get: () => (bound && window[name] === value ? bound : window[name]),
    set: (next) => Object.defineProperty(globalThis, name, { value: next, writable: true, configurable: true }),
  };
}
