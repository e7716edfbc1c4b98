// What crosses between parent and guest, as `reviewkit.sandbox.inner.codec` writes and reads it: JSON that keeps exact types.
//
// undefined and null are None, whole numbers and bigints ints, other numbers floats, strings, booleans, arrays lists, plain objects
// dicts, Uint8Array bytes, Date a datetime. Everything else does not cross.

const MAX_DEPTH = 40;
const MAX_INT_BITS = 4096;
const ENVELOPE = 4; // levels that a message adds around a value
const scratch = new DataView(new ArrayBuffer(8));
const { isInteger, isSafeInteger, isNaN, isFinite } = Number;

export class NotPlainError extends TypeError {
  name = 'NotPlainError';
}
export class TooLargeError extends NotPlainError {
  name = 'ResultTooLarge';
}

/** A number that is a float on the other side even if it is whole. */
export class Real {
  constructor(value) {
    this.value = value;
  }
}

function hex(value) {
  if (isNaN(value)) return 'nan';
  if (!isFinite(value)) return value < 0 ? '-inf' : 'inf';
  scratch.setFloat64(0, value);
  const high = scratch.getUint32(0), low = scratch.getUint32(4);
  const sign = high >>> 31 ? '-' : '', exponent = (high >>> 20) & 0x7ff;
  const digits = (high & 0xfffff).toString(16).padStart(5, '0') + low.toString(16).padStart(8, '0');
  return exponent === 0 ? `${sign}0x0.${digits}p-1022` : `${sign}0x1.${digits}p${exponent - 1023}`;
}

function unhex(text) {
  if (text === 'nan') return NaN;
  if (text.endsWith('inf')) return text.startsWith('-') ? -Infinity : Infinity;
  const [, sign, whole, digits = '', exponent] = /^(-?)0x([01])(?:\.([0-9a-f]+))?p([+-]?\d+)$/.exec(text);
  const fraction = digits === '' ? 0 : parseInt(digits, 16) / 16 ** digits.length;
  return (sign ? -1 : 1) * (Number(whole) + fraction) * 2 ** Number(exponent);
}

/** A value in the form that JSON carries. */
function pack(value, depth) {
  if (depth > MAX_DEPTH + ENVELOPE) throw new NotPlainError(`nested deeper than ${MAX_DEPTH}`);
  switch (typeof value) {
    case 'undefined': return null;
    case 'boolean': return value;
    case 'string':
      if (!value.isWellFormed()) throw new NotPlainError('a text with half a surrogate pair does not cross the channel');
      return value;
    case 'number': return isSafeInteger(value) && !Object.is(value, -0) ? value : ['f', hex(value)];
    case 'bigint':
      if (value.toString(2).length > MAX_INT_BITS) throw new NotPlainError(`an int of more than ${MAX_INT_BITS} bits`);
      return JSON.rawJSON ? JSON.rawJSON(value.toString()) : Number(value);
    case 'object': break;
    default: throw new NotPlainError(`a ${typeof value} does not cross the channel; return plain values`);
  }
  if (value === null) return null;
  if (Array.isArray(value)) return ['l', ...Array.from(value, (item) => pack(item, depth + 1))];
  if (value instanceof Uint8Array) return ['b', Buffer.from(value).toString('base64')];
  if (value instanceof Real) return ['f', hex(value.value)];
  if (value instanceof Date) return ['m', value.toISOString()];
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new NotPlainError(`an object of class ${String(prototype.constructor?.name)} does not cross the channel; return plain values`);
  }
  const flat = ['d'];
  for (const [key, item] of Object.entries(value)) flat.push(pack(key, depth), pack(item, depth + 1));
  return flat;
}

function unpack(raw) {
  if (!Array.isArray(raw)) return raw;
  const [tag, ...rest] = raw;
  switch (tag) {
    case 'l': case 't': return rest.map(unpack);
    case 'f': return unhex(rest[0]);
    case 'b': return new Uint8Array(Buffer.from(rest[0], 'base64'));
    case 'm': case 'M': case 'y': return new Date(rest[0]);
    case 'D': return rest[0];
    default: {
      const found = {};
      for (let at = 0; at < rest.length; at += 2) {
        Object.defineProperty(found, rest[at], { value: unpack(rest[at + 1]), enumerable: true, writable: true, configurable: true });
      }
      return found;
    }
  }
}

/** A frame: 4 bytes of length, little-endian, then the text. */
export function encode(message, limit) {
  const text = Buffer.from(JSON.stringify(pack(message, 0)), 'utf8');
  if (text.length > limit) throw new TooLargeError(`${text.length} bytes are more than the ${limit} that cross the channel at once`);
  const frame = Buffer.allocUnsafe(4 + text.length);
  frame.writeUInt32LE(text.length, 0);
  text.copy(frame, 4);
  return frame;
}

export const decode = (text) => unpack(JSON.parse(text, (_key, value, context) =>
  typeof value === 'number' && isInteger(value) && !isSafeInteger(value) && context?.source ? BigInt(context.source) : value));
