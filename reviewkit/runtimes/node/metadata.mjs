// Brings together what two compilers make of the same decorators: the code of one, the types that the other has found.
//
// esbuild writes `__decorateClass([...], Orders.prototype, "get", 1)`, swc `_ts_decorate([..., _ts_metadata("design:type", Function)],
// Orders.prototype, "get", null)`. Both go through instance members, static members and classes in the order of the code.

const APART = 'these decorators cannot be compiled with the types that they stand at; without types they can: "emitDecoratorMetadata": false in tsconfig.json';

/** Whether an expression is what became of decorators, which nobody has written as such. */
export function isDecorating(expression) {
  const call = expression.type === 'AssignmentExpression' ? expression.right : expression;
  return call.type === 'CallExpression' && call.callee.name === '__decorateClass';
}

/**
 * Code of esbuild with the types of swc, in the lines that it has.
 * @param {(text: string) => object} parse acorn
 * @param {boolean} bundled whether imports are looked up before the code runs: what is a type alone is then asked for in a way that finds nothing
 */
export function withTypes(parse, code, told, bundled) {
  const tree = parse(code);
  const imported = bundled ? importedNames(tree, unused(code, 'types$')) : new Map();
  const types = new Map();
  for (const call of callsOf(parsed(parse, told), '_ts_decorate')) types.set(kind(call), [...(types.get(kind(call)) ?? []), call]);
  const edits = callsOf(tree, '__decorateClass').map((call) => {
    const other = types.get(kind(call))?.shift();
    if (other === undefined || !isSame(call.arguments[2], other.arguments[2])) throw new Error(APART);
    return [call.arguments[0].elements.at(-1).end, typesIn(other, told, imported)];
  });
  for (const { end, space, source, used } of imported.values()) if (used) edits.push([end, ` import * as ${space} from ${source};`]);
  const once = [...new Map(edits.map((edit) => [edit.join(), edit])).values()];
  return once.sort(([a], [b]) => b - a).reduce((text, [at, added]) => text.slice(0, at) + added + text.slice(at), code);
}

/** What swc says, which leaves some decorators as they are: those of `accessor` fields. */
function parsed(parse, told) {
  try {
    return parse(told);
  } catch {
    throw new Error(APART);
  }
}

/** Calls of a function in the order of the code. */
function callsOf(tree, name) {
  const found = [];
  walk(tree, (node) => node.type === 'CallExpression' && node.callee.name === name && found.push(node));
  return found;
}

function walk(node, visit) {
  if (node === null || typeof node !== 'object') return;
  if (Array.isArray(node)) return node.forEach((item) => walk(item, visit));
  if (typeof node.type === 'string') visit(node);
  for (const key of Object.keys(node)) walk(node[key], visit);
}

const kind = ({ arguments: [, target, member] }) => (member === undefined ? 'class' : target.property?.name === 'prototype' ? 'instance' : 'static');

/** Whether two members can be the same: names that are computed have other names in each code. */
const isSame = (a, b) => a?.type !== 'Literal' || b?.type !== 'Literal' || String(a.value) === String(b.value);

/** How names begin that nobody has in a code. */
function unused(code, start) {
  return code.includes(start) ? unused(code, `${start}$`) : start;
}

/** What an import of single names brings: the way to it through the whole module, whose name begins so. */
function importedNames(tree, start) {
  const found = new Map();
  for (const [number, node] of tree.body.entries()) {
    if (node.type !== 'ImportDeclaration') continue;
    for (const { type, imported, local } of node.specifiers) {
      if (type === 'ImportNamespaceSpecifier') continue;
      const name = type === 'ImportDefaultSpecifier' ? 'default' : imported.name ?? imported.value;
      found.set(local.name, { space: `${start}${number}`, key: JSON.stringify(name), source: node.source.raw, end: node.end, used: false });
    }
  }
  return found;
}

/** The types of one list of decorators, as further ones; a member whose name is a number is known by its text. */
function typesIn(call, code, imported) {
  const own = call.arguments[0].elements.filter((item) => item.callee?.name === '_ts_metadata');
  return own.map(({ arguments: [key, type] }) => {
    const keep = `Reflect.metadata(${key.raw}, ${typeText(type, code, imported)})`;
    return `, Reflect.metadata && ((of, name) => ${keep}(of, typeof name === 'number' ? String(name) : name))`;
  }).join('');
}

function typeText(type, code, imported) {
  let result = '', at = type.start;
  const members = new Set();
  walk(type, (node) => node.type === 'MemberExpression' && members.add(node.property));
  walk(type, (node) => {
    const found = node.type === 'Identifier' && !members.has(node) ? imported.get(node.name) : undefined;
    if (!found) return;
    found.used = true;
    result += `${code.slice(at, node.start)}${found.space}[${found.key}]`;
    at = node.end;
  });
  return (result + code.slice(at, type.end)).replace(/\s*\n\s*/g, ' ');
}
