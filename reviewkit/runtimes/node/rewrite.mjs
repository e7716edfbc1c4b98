// Rewrites a cell of a session so that what its top level declares outlives it, as global variables; places stay where they were.
//
// The code comes from esbuild: one statement a line, each with its semicolon, and a first line that is ours.
import { isDecorating } from './metadata.mjs';

const DECLARATIONS = { FunctionDeclaration: ownFunction, ClassDeclaration: ownClass, VariableDeclaration: ownVariables };

/** Specifiers of a cell's imports, and the parts of its tree that hold them. */
export function importsOf(tree) {
  const found = [];
  const walk = (node) => {
    if (node === null || typeof node !== 'object') return;
    if (Array.isArray(node)) return node.forEach(walk);
    if (/^Import(Declaration|Expression)$/.test(node.type) && typeof node.source.value === 'string') found.push(node.source);
    for (const key of Object.keys(node)) walk(node[key]);
  };
  walk(tree.body);
  return found;
}

/**
 * @param {string} code what esbuild made of the cell
 * @param {object} tree what acorn makes of that
 * @param {(specifier: string) => string} placed what is imported in place of a specifier
 * @returns {{ code: string, names: string[] }} a module whose default export is the cell's value, and the variables that it assigns to
 */
export function rewritten(code, tree, placed) {
  const cell = { code, edits: [], names: new Set(), first: [] };
  for (const source of importsOf(tree)) cell.edits.push([source.start, source.end, JSON.stringify(placed(source.value))]);
  const last = tree.body.findLast((node) => !isList(node)); // esbuild lists what is exported at the end
  const hasValue = last?.type === 'ExpressionStatement' && last.directive === undefined && !isDecorating(last.expression);
  for (const node of tree.body) {
    if (node.type === 'ImportDeclaration') ownImport(cell, node, placed);
    else if (/^Export/.test(node.type)) ownExport(cell, node, hasValue);
    else if (node.type in DECLARATIONS) DECLARATIONS[node.type](cell, node);
    else if (node === last && hasValue) ownValue(cell, node.expression, node.start);
  }
  const line = code.indexOf('\n');
  cell.edits.push([0, line, cell.first.join(' ')]);
  let result = code;
  for (const [start, end, text] of cell.edits.sort((a, b) => b[0] - a[0] || b[1] - a[1])) result = result.slice(0, start) + text + result.slice(end);
  return { code: result, names: [...cell.names] };
}

const isList = (node) => node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.declaration === null);

const blank = (text) => text.replace(/[^\n]/g, ' ');

/** Replace a part by as many blanks. */
const clear = (cell, start, end) => cell.edits.push([start, end, blank(cell.code.slice(start, end))]);

/** Put something before a statement without moving it: at the end of the line above. */
function before(cell, start, text) {
  const above = cell.code.lastIndexOf('\n', start - 1);
  cell.edits.push([above, above, text]);
}

function ownImport(cell, node, placed) {
  const whole = node.specifiers.find((item) => item.type === 'ImportNamespaceSpecifier');
  const parts = node.specifiers.filter((item) => item !== whole).map((item) => {
    const name = item.type === 'ImportDefaultSpecifier' ? 'default' : item.imported.name ?? item.imported.value;
    return `${JSON.stringify(name)}: ${item.local.name}`;
  });
  for (const item of node.specifiers) cell.names.add(item.local.name);
  const found = `await import(${JSON.stringify(placed(node.source.value))})`;
  const target = whole === undefined ? '' : `${whole.local.name} = `;
  cell.first.push(parts.length ? `({ ${parts.join(', ')} } = ${target}${found});` : `${target}${found};`);
  cell.edits = cell.edits.filter(([start]) => start !== node.source.start);
  clear(cell, node.start, node.end);
}

/** An export says nothing to a session, but a default one is the cell's value where its last line is none. */
function ownExport(cell, node, hasValue) {
  clear(cell, node.start, isList(node) ? node.end : node.declaration.start);
  if (!isList(node)) return DECLARATIONS[node.declaration.type]?.(cell, node.declaration);
  const value = node.specifiers?.find((item) => item.exported.name === 'default');
  if (value && !hasValue) before(cell, node.start, ` export default (${value.local.name});`);
}

function ownValue(cell, expression, start) {
  before(cell, start, ' export default (');
  cell.edits.push([expression.end, expression.end, ')']);
}

/** A function is there before the first line runs, and who calls it finds the one that was declared last. */
function ownFunction(cell, { id }) {
  const own = `${id.name}$cell`;
  cell.names.add(id.name);
  cell.edits.push([id.start, id.end, own]);
  cell.first.push(`Object.defineProperty(${id.name} = ${own}, 'name', { value: ${JSON.stringify(id.name)}, configurable: true });`);
}

function ownClass(cell, node) {
  cell.names.add(node.id.name);
  before(cell, node.start, ` ${node.id.name} =`);
  cell.edits.push([node.end, node.end, ';']);
}

function ownVariables(cell, { kind, start, declarations }) {
  if (!/^(?:var|let|const)$/.test(kind)) return; // `using` ends with its cell
  const inside = declarations.some(({ id }) => id.type === 'ObjectPattern');
  const from = declarations[0].start;
  cell.edits.push([start, from, ' '.repeat(from - start - 1) + (inside ? '(' : ' ')]);
  for (const { id, init, end } of declarations) {
    for (const name of bound(id)) cell.names.add(name);
    if (init === null && kind !== 'var') cell.edits.push([end, end, ' = undefined']);
  }
  if (inside) cell.edits.push([declarations.at(-1).end, declarations.at(-1).end, ')']);
}

/** Names that a pattern binds. */
function bound(pattern) {
  switch (pattern?.type) {
    case 'Identifier': return [pattern.name];
    case 'ObjectPattern': return pattern.properties.flatMap((part) => bound(part.value ?? part.argument));
    case 'ArrayPattern': return pattern.elements.flatMap(bound);
    case 'AssignmentPattern': return bound(pattern.left);
    case 'RestElement': return bound(pattern.argument);
    default: return [];
  }
}
