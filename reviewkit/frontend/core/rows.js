import { h } from './dom.js';

const CHUNK = 50;
const LINE_PX = 20;

/** Display rows of a hunk: in unified view one per row; in split view a run of `-` beside the following run of `+`. */
export function displayRows(rows, split) {
  if (!split) return rows.map(row => (row.kind === '-' ? { left: row, right: null } : { left: null, right: row }));
  const out = [];
  for (let at = 0; at < rows.length;) {
    if (rows[at].kind === ' ') {
      out.push({ left: rows[at], right: rows[at] });
      at += 1;
      continue;
    }
    const removed = [];
    const added = [];
    while (at < rows.length && rows[at].kind === '-') removed.push(rows[at++]);
    while (at < rows.length && rows[at].kind === '+') added.push(rows[at++]);
    for (let n = 0; n < Math.max(removed.length, added.length); n += 1)
      out.push({ left: removed[n] ?? null, right: added[n] ?? null });
  }
  return out;
}

function code(ctx, row) {
  const cell = h('div', {
    role: 'gridcell',
    class: `rk-code ${row === null ? 'rk-none' : { '+': 'rk-add', '-': 'rk-del', ' ': '' }[row.kind]}`
  });
  if (row === null) return cell;
  cell.append(h('span', { class: 'rk-sign', 'aria-hidden': 'true' }, row.kind));
  if (row.kind !== ' ')
    cell.append(h('span', { class: 'rk-vh' }, row.kind === '+' ? ctx.t('added') : ctx.t('removed'), ' '));
  for (let at = 0; at < row.tokens.length; at += 2) {
    const [cls, part] = [row.tokens[at], row.tokens[at + 1]];
    if (cls) {
      const span = document.createElement('span');
      span.className = `rk-t-${cls}`;
      span.textContent = part;
      cell.append(span);
    } else cell.append(part);
  }
  return cell;
}

function number(value, side, tone) {
  return h('div', { role: 'gridcell', class: `rk-no ${tone}`, 'data-side': side }, value === null ? '' : String(value));
}

const tone = row => (row === null ? 'rk-none' : { '+': 'rk-add', '-': 'rk-del', ' ': '' }[row.kind]);

/** One row of the grid. Its places are kept on the node as `rk = {file, L, R}` (line numbers or null). */
function rowNode(ctx, fileAt, pair, split) {
  const { left, right } = pair;
  const node = h('div', { role: 'row', class: split ? 'rk-row rk-split' : 'rk-row', tabindex: -1 });
  if (split)
    node.append(
      number(left?.old ?? null, 'L', tone(left)),
      code(ctx, left),
      number(right?.new ?? null, 'R', tone(right)),
      code(ctx, right)
    );
  else {
    const row = left ?? right;
    node.append(number(row.old, 'L', tone(row)), number(row.new, 'R', tone(row)), code(ctx, row));
  }
  node.rk = { file: fileAt, L: left?.kind === '-' ? left.old : null, R: right?.new ?? null };
  return node;
}

/** A row that spans the grid: hunk heads, findings, composers. */
export function wideRow(content, cls = '') {
  return h(
    'div',
    { role: 'row', class: `rk-wide-row ${cls}` },
    h('div', { role: 'gridcell', 'aria-colspan': 4, class: 'rk-wide-cell' }, content)
  );
}

/**
 * The grid of one file.
 * @returns {{node: HTMLElement, rows: HTMLElement[]}}
 */
export function grid(ctx, file, fileAt, split) {
  const node = h('div', {
    role: 'grid',
    class: 'rk-grid',
    'aria-multiselectable': 'true',
    'aria-label': ctx.t('Changed lines of %1', file.path)
  });
  const rows = [];
  for (const hunk of file.hunks) {
    const nodes = displayRows(hunk.rows, split).map(pair => rowNode(ctx, fileAt, pair, split));
    if (nodes.length > 0) nodes[0].rkHunk = true;
    rows.push(...nodes);
    for (let at = 0; at < nodes.length; at += CHUNK) {
      const part = nodes.slice(at, at + CHUNK);
      const chunk = h('div', { role: 'rowgroup', class: 'rk-chunk' });
      chunk.style.containIntrinsicSize = `auto ${part.length * LINE_PX}px`;
      if (at === 0) chunk.append(wideRow(hunk.head || '…', 'rk-hunk'));
      chunk.append(...part);
      node.append(chunk);
    }
  }
  return { node, rows };
}
