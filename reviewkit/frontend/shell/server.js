import { Refused } from '../core/store.js';

const KEEPALIVE_MAX = 60000; // bytes; above 64 KiB a keepalive request fails at once

/** Requests to our own routes, with the login and XSRF token of JupyterLab. */
export class Server {
  /** @param {any} ServerConnection of @jupyterlab/services */
  constructor(ServerConnection) {
    this.connection = ServerConnection;
    this.settings = ServerConnection.makeSettings();
    this.clockOffset = 0;
  }

  async #ask(route, init = {}) {
    const url = new URL(`reviewkit/api/${route}`, new URL(this.settings.baseUrl, location.href)).href;
    const answer = await this.connection.makeRequest(url, init, this.settings);
    const date = Date.parse(answer.headers.get('Date') ?? '');
    if (!Number.isNaN(date)) this.clockOffset = Math.abs(date - Date.now()) > 5000 ? date - Date.now() : 0;
    return answer;
  }

  /**
   * The grant of a notebook; null when it has none.
   * @throws when the server gives no answer
   */
  async grant(path) {
    const answer = await this.#ask(`grant?path=${encodeURIComponent(path)}`);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(await messageOf(answer));
    return answer.json();
  }

  /** How sending to the intake stands; null where nothing is sent. */
  async outbox(record) {
    const answer = await this.#ask(`outbox/${encodeURIComponent(record)}`);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(await messageOf(answer));
    return answer.json();
  }

  /** Let the server try the intake again at once. */
  async hurry(record) {
    const init = { method: 'POST', body: '{}' };
    const answer = await this.#ask(`outbox/${encodeURIComponent(record)}`, init);
    if (!answer.ok) throw new Error(await messageOf(answer));
    return answer.json();
  }

  /** Open the hiring desk; its contents path. */
  async desk() {
    const answer = await this.#ask('desk', { method: 'POST', body: '{}' });
    if (!answer.ok) throw new Error(await messageOf(answer));
    return (await answer.json()).path;
  }

  /** How a store reads and writes one record. */
  transport(record) {
    return {
      load: async after => {
        const answer = await this.#ask(`record/${encodeURIComponent(record)}?after=${after}`);
        if (!answer.ok) throw new Error(await messageOf(answer));
        return answer.json();
      },
      send: async entry => {
        const body = JSON.stringify({ op: entry.op, kind: entry.kind, data: entry.data });
        const size = new TextEncoder().encode(body).length;
        const answer = await this.#ask(`record/${encodeURIComponent(record)}`, {
          method: 'POST',
          body,
          keepalive: size < KEEPALIVE_MAX
        });
        if (answer.ok) return answer.json();
        const message = await messageOf(answer);
        if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429)
          throw new Refused(message);
        throw new Error(message);
      }
    };
  }
}

async function messageOf(answer) {
  try {
    const body = await answer.json();
    if (typeof body.message === 'string') return body.message.slice(0, 400);
  } catch {
    // No JSON: the status is all there is to say.
  }
  return `The server answered ${answer.status}.`;
}
