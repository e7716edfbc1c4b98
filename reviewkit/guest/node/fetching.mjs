// `fetch` of a guest: requests are answered by the world.
//
// Node's own Request and Response cost more than the rest of a guest's life: the first touch of either loads a whole HTTP client. So
// an ordinary request is put together here, and its response becomes a real one only where code asks for more than status and body.

const Signal = globalThis.AbortSignal;
const seconds = new WeakMap(); // of signals that come from AbortSignal.timeout
const PLAIN_OPTIONS = new Set(['method', 'headers', 'body', 'signal']);
const METHODS = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, HEADER_VALUE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
const NO_BODY = [101, 204, 205, 304];
const utf8 = new TextEncoder();

/** A request as the world is asked, if it is an ordinary one; undefined if Node's own class has to read it. */
function plain(input, options) {
  if (typeof input !== 'string' && !(input instanceof URL)) return undefined;
  if (Object.getPrototypeOf(options) !== Object.prototype || !Object.keys(options).every((key) => PLAIN_OPTIONS.has(key))) return undefined;
  const { method = 'GET', headers = {}, body = null, signal = null } = options;
  if (signal !== null && !(signal instanceof Signal)) return undefined;
  const url = URL.parse(String(input));
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password) return undefined;
  if (!METHODS.has(method) || (body !== null && (typeof body !== 'string' || method === 'GET' || method === 'HEAD'))) return undefined;
  const named = plainHeaders(headers);
  if (named === undefined) return undefined;
  if (body !== null && !named.has('content-type')) named.set('content-type', 'text/plain;charset=UTF-8');
  return { method, url: url.href, headers: Object.fromEntries([...named].sort(([a], [b]) => (a < b ? -1 : 1))), body: utf8.encode(body ?? '') };
}

function plainHeaders(headers) {
  if (headers === null || typeof headers !== 'object' || Object.getPrototypeOf(headers) !== Object.prototype) return undefined;
  const named = new Map();
  for (const [name, value] of Object.entries(headers)) {
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text !== 'string' || !HEADER_NAME.test(name) || !HEADER_VALUE.test(text) || named.has(name.toLowerCase())) return undefined;
    named.set(name.toLowerCase(), text);
  }
  return named;
}

async function read(input, options) {
  const request = new Request(input, options);
  return {
    method: request.method, url: request.url, headers: Object.fromEntries(request.headers), body: new Uint8Array(await request.arrayBuffer()),
  };
}

/** A Response of this reply, made when code asks for more than this: status, `ok`, and the body as JSON, text or bytes. */
function response({ status, headers, body }) {
  const make = () => new Response(NO_BODY.includes(status) ? null : body, { status, headers });
  if (status < 200 || status > 599) return make(); // which says what is wrong with that
  let real, used = false;
  const whole = () => {
    if (real === undefined) {
      real = make();
      if (used) void real.arrayBuffer();
    }
    return real;
  };
  const taking = (name, made) => async () => {
    if (real !== undefined || used) return whole()[name](); // which knows what a body that was read already comes to
    used = !NO_BODY.includes(status);
    return made(used ? body : new Uint8Array());
  };
  const text = (bytes) => new TextDecoder().decode(bytes);
  const own = {
    status, ok: status >= 200 && status <= 299,
    text: taking('text', text), json: taking('json', (bytes) => JSON.parse(text(bytes))), arrayBuffer: taking('arrayBuffer', (bytes) => bytes.slice().buffer),
  };
  return new Proxy({}, {
    get(_target, key) {
      if (key === 'then') return undefined;
      if (real === undefined && Object.hasOwn(own, key)) return own[key];
      const value = whole()[key];
      return typeof value === 'function' && key !== 'constructor' ? value.bind(real) : value;
    },
    has: (_target, key) => key in whole(),
    getPrototypeOf: () => Response.prototype,
    set: (_target, key, value) => Reflect.set(whole(), key, value),
    defineProperty: (_target, key, facts) => Reflect.defineProperty(whole(), key, facts),
    deleteProperty: (_target, key) => Reflect.deleteProperty(whole(), key),
  });
}

/** Replace `fetch`, and have `AbortSignal.timeout` tell the world how long the code would wait. */
export function installFetch(channel) {
  const timeout = Signal.timeout.bind(Signal);
  Signal.timeout = (ms) => {
    const signal = timeout(ms);
    seconds.set(signal, ms / 1000);
    return signal;
  };
  globalThis.fetch = async (input, options = {}) => {
    const ordinary = plain(input, options);
    const request = ordinary ?? (await read(input, options));
    const given = options.signal ?? (!ordinary && input instanceof Request ? input.signal : undefined);
    const limit = given ? seconds.get(given) : undefined;
    const reply = await channel.ask('http', {
      ...request, sync: false, timeout: limit === undefined ? null : { connect: limit, read: limit, write: limit, pool: limit },
    }, given);
    if (reply.outcome === 'timeout') throw new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    if (reply.outcome === 'refused') throw new TypeError('fetch failed', { cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }) });
    if (reply.outcome === 'hang') return new Promise((_resolve, reject) => given?.addEventListener('abort', () => reject(given.reason)));
    return response(reply);
  };
}
