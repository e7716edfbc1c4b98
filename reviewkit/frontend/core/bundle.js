import { asList, lineNumber, text } from './state.js';

const ROWS_MAX = 60000;
const LINE_MAX = 4000;
const CLASS = /^[a-z0-9]{0,4}$/;
const KINDS = new Set([' ', '+', '-']);
const STATUSES = new Set(['added', 'removed', 'modified']);

/** Tokens of one row as `[class, text, ...]`; classes that are none of Pygments' are dropped, long lines cut. */
function tokens(value) {
  const flat = [];
  let room = LINE_MAX;
  const source = asList(value);
  for (let at = 0; at + 1 < source.length && room > 0; at += 2) {
    const part = text(source[at + 1], room);
    room -= part.length;
    flat.push(typeof source[at] === 'string' && CLASS.test(source[at]) ? source[at] : '', part);
  }
  if (room <= 0) flat.push('', ' …');
  return flat;
}

/** The files of a `change` form, coerced: the bundle may come from a stranger's notebook. */
export function cleanFiles(spec) {
  let room = ROWS_MAX;
  return asList(spec.files)
    .slice(0, 500)
    .map(file => {
      const hunks = asList(file?.hunks).map(hunk => {
        const rows = asList(hunk?.rows).slice(0, room);
        room -= rows.length;
        return {
          head: text(hunk?.head, 400),
          rows: rows.map(row => ({
            kind: KINDS.has(row?.[0]) ? row[0] : ' ',
            old: lineNumber(row?.[1]),
            new: lineNumber(row?.[2]),
            tokens: tokens(row?.[3])
          }))
        };
      });
      return {
        path: text(file?.path, 400) || '?',
        status: STATUSES.has(file?.status) ? file.status : 'modified',
        added: Number.isInteger(file?.added) ? file.added : 0,
        removed: Number.isInteger(file?.removed) ? file.removed : 0,
        hunks,
        size: hunks.reduce((sum, hunk) => sum + hunk.rows.length, 0)
      };
    });
}

/** Short strings of a list, at most `max`. */
export function words(value, max = 50) {
  return asList(value)
    .slice(0, max)
    .map(word => text(word, 60))
    .filter(Boolean);
}

/** Items with an id and a line of text, as claims, layers and marks have. */
export function labelled(value, key) {
  return asList(value)
    .slice(0, 200)
    .map(item => ({ id: text(item?.id, 80), label: text(item?.[key], 1000) }))
    .filter(item => item.id);
}
