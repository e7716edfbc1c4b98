// What a workspace's tsconfig.json says, which is JSON with comments and commas at the end of lists.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const MOST_EXTENDED = 10;

/**
 * Compiler options of the nearest tsconfig.json, from a folder up to the root of its workspace, with those that it extends by a relative path.
 * @returns {object | null} null where there is none that can be read
 */
export function compilerOptions(parse, root, folder) {
  for (let at = folder; ; at = path.dirname(at)) {
    const options = read(parse, path.join(at, 'tsconfig.json'), MOST_EXTENDED);
    if (options !== null || at === root || at === path.dirname(at)) return options;
  }
}

function read(parse, file, left) {
  let config;
  try {
    config = value(parse(`(${readFileSync(file, 'utf8')}\n)`, { ecmaVersion: 'latest' }).body[0].expression);
  } catch {
    return null; // nothing there, or nothing that tsc would understand either
  }
  const bases = left === 0 ? [] : [config?.extends ?? []].flat().filter((base) => /^\.{1,2}\//.test(base));
  const inherited = bases.map((base) => read(parse, path.resolve(path.dirname(file), base.endsWith('.json') ? base : `${base}.json`), left - 1));
  return Object.assign({}, ...inherited, config?.compilerOptions);
}

/** The value of an expression that is JSON; undefined where it is none. */
function value(node) {
  if (node.type === 'ArrayExpression') return node.elements.map(value);
  if (node.type === 'ObjectExpression') return Object.fromEntries(node.properties.map((part) => [part.key.value ?? part.key.name, value(part.value)]));
  return node.value;
}
