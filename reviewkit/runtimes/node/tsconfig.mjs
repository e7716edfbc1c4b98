// What a workspace's tsconfig.json says, which is JSON with comments and commas at the end of lists.
import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Compiler options of the nearest tsconfig.json, from a folder up to the root of its workspace, with those that it extends by a relative path.
 * @returns {object | null} null where there is none that can be read
 */
export function compilerOptions(parse, root, folder) {
  for (let at = folder; ; at = path.dirname(at)) {
    const options = read(parse, path.join(at, 'tsconfig.json'), new Map());
    if (options !== null || at === root || at === path.dirname(at)) return options;
  }
}

/** Each file is read once: what extends itself would be read for ever, and several ways to one file as often as there are ways. */
function read(parse, file, known) {
  if (!known.has(file)) {
    known.set(file, null); // on a way that leads back here
    known.set(file, merged(parse, file, known));
  }
  return known.get(file);
}

function merged(parse, file, known) {
  let config;
  try {
    config = value(parse(`(${readFileSync(file, 'utf8')}\n)`, { ecmaVersion: 'latest' }).body[0].expression);
  } catch {
    return null; // nothing there, or nothing that tsc would understand either
  }
  const bases = [config?.extends].flat().filter((base) => typeof base === 'string' && /^\.{1,2}\//.test(base));
  const inherited = bases.map((base) => read(parse, path.resolve(path.dirname(file), base.endsWith('.json') ? base : `${base}.json`), known));
  return Object.assign({}, ...inherited, config?.compilerOptions);
}

/** The value of an expression that is JSON; undefined where it is none. */
function value(node) {
  if (node.type === 'ArrayExpression') return node.elements.map(value);
  if (node.type === 'ObjectExpression') return Object.fromEntries(node.properties.map((part) => [part.key.value ?? part.key.name, value(part.value)]));
  return node.value;
}
