import { h } from './dom.js';

/**
 * Draw a small, safe part of Markdown: paragraphs, headings, lists, fenced code, `code`, **strong**, *emphasis*.
 * Links and images show as their source; markup shows as text. Only DOM nodes are made, so nothing has to be cleaned.
 *
 * @param {string} source
 * @returns {HTMLElement}
 */
export function markdown(source) {
  const root = h('div', { class: 'rk-md' });
  const lines = source.replaceAll('\r\n', '\n').split('\n').slice(0, 2000);
  for (let at = 0; at < lines.length;) at = block(root, lines, at);
  return root;
}

const FENCE = /^\s*```/;
const ITEM = /^\s*(?:[-*+]|\d{1,3}[.)])\s+/;
const HEADING = /^#{1,6}\s+/;

function block(root, lines, at) {
  const line = lines[at];
  if (!line.trim()) return at + 1;
  if (FENCE.test(line)) return fenced(root, lines, at);
  if (HEADING.test(line)) {
    root.append(h('p', { class: 'rk-md-heading' }, inline(line.replace(HEADING, ''))));
    return at + 1;
  }
  if (ITEM.test(line)) return items(root, lines, at);
  return paragraph(root, lines, at);
}

function fenced(root, lines, at) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  root.append(h('pre', { tabindex: 0 }, h('code', {}, lines.slice(at + 1, end).join('\n'))));
  return end + 1;
}

function items(root, lines, at) {
  const list = h(/^\s*\d/.test(lines[at]) ? 'ol' : 'ul');
  let end = at;
  while (end < lines.length && ITEM.test(lines[end])) {
    const parts = [lines[end].replace(ITEM, '')];
    end += 1;
    while (end < lines.length && /^\s{2,}\S/.test(lines[end]) && !ITEM.test(lines[end]))
      parts.push(lines[end++].trim());
    list.append(h('li', {}, inline(parts.join(' '))));
  }
  root.append(list);
  return end;
}

function paragraph(root, lines, at) {
  let end = at;
  while (
    end < lines.length &&
    lines[end].trim() &&
    !FENCE.test(lines[end]) &&
    !HEADING.test(lines[end]) &&
    !(end > at && ITEM.test(lines[end]))
  )
    end += 1;
  root.append(h('p', {}, inline(lines.slice(at, end).join('\n'))));
  return end;
}

const INLINE = /(`+)([^`][^]*?)\1|\*\*([^*\n]{1,500})\*\*|__([^_\n]{1,500})__|\*([^*\s][^*\n]{0,500})\*/g;

function inline(source) {
  const parts = [];
  let last = 0;
  for (const match of source.matchAll(INLINE)) {
    parts.push(source.slice(last, match.index));
    const [whole, , code, strong, strong2, emphasis] = match;
    if (code !== undefined) parts.push(h('code', {}, code.trim()));
    else if (emphasis !== undefined) parts.push(h('em', {}, emphasis));
    else parts.push(h('strong', {}, strong ?? strong2));
    last = match.index + whole.length;
  }
  parts.push(source.slice(last));
  return parts;
}
