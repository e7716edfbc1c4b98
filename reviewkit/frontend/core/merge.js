/** JSON with sorted keys: the journal sorts them, a form does not. */
export function stable(value) {
  return JSON.stringify(value, (key, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [two]) => (one < two ? -1 : 1)))
      : part
  );
}

export const alike = (one, two) => stable(one) === stable(two);
const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * One answer out of two that began as the same: a part that only one changed is taken from there. Where both changed a text it
 * is mine; a list keeps what either added and loses what either took away.
 */
export function merged(base, mine, theirs) {
  if (alike(mine, base)) return theirs;
  if (alike(theirs, base)) return mine;
  if (Array.isArray(mine) && Array.isArray(theirs)) return mergedList(Array.isArray(base) ? base : [], mine, theirs);
  if (!isObject(mine) || !isObject(theirs)) return mine;
  const before = isObject(base) ? base : {};
  const keys = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])];
  return Object.fromEntries(
    keys.map(key => [key, merged(before[key], mine[key], theirs[key])]).filter(([, value]) => value !== undefined)
  );
}

/** The order is theirs where they moved something, else mine. */
function mergedList(base, mine, theirs) {
  const common = base.filter(item => theirs.includes(item));
  const haveMoved = !alike(common, theirs.filter(item => base.includes(item)));
  const [order, other] = haveMoved ? [theirs, mine] : [mine, theirs];
  const list = order.filter(item => other.includes(item) || !base.includes(item));
  other.forEach((item, at) => {
    if (base.includes(item) || list.includes(item)) return;
    const before = list.indexOf(other[at - 1]);
    list.splice(before < 0 ? list.length : before + 1, 0, item);
  });
  return list;
}
