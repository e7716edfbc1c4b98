// The guest's end of the wire; messages as in `reviewkit.sandbox.inner.wire`.
import { Socket } from 'node:net';
import { NotPlainError, TooLargeError, decode, encode } from './codec.mjs';

const MAX_FROM_GUEST = 1_000_000;
const leave = process.reallyExit.bind(process);

/** The world could not answer a request; the text says why. */
export class WorldError extends Error {
  name = 'WorldError';
}

export class Channel {
  #socket;
  #next = 1;
  #waiting = new Map();
  #left = Buffer.alloc(0);

  /** @param {number} fd a connected socket @param {(number, op, payload) => void} start called for each thing to do */
  constructor(fd, start) {
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.on('data', (data) => this.#read(data, start));
    // The parent has gone: nobody is left to answer to.
    for (const event of ['end', 'close', 'error']) this.#socket.on(event, () => leave(0));
  }

  send(message) {
    this.#socket.write(encode(message, MAX_FROM_GUEST));
  }

  /** Answer a piece of work; what does not cross is an error of whoever returned it. */
  done(number, reply) {
    try {
      this.send(['done', number, reply]);
    } catch (error) {
      if (!(error instanceof NotPlainError)) throw error;
      this.send(['done', number, { error: error instanceof TooLargeError ? 'ResultTooLarge' : 'NotPlainError', message: error.message }]);
    }
  }

  /** Ask the world; an aborted request is taken back. */
  ask(op, payload, signal) {
    const number = this.#next++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const drop = () => {
        if (this.#waiting.delete(number)) this.send(['drop', number]);
        reject(signal.reason);
      };
      signal?.addEventListener('abort', drop, { once: true });
      this.#waiting.set(number, {
        resolve: (value) => (signal?.removeEventListener('abort', drop), resolve(value)),
        reject: (error) => (signal?.removeEventListener('abort', drop), reject(error)),
      });
      try {
        this.send(['ask', number, op, payload]);
      } catch (error) {
        this.#waiting.delete(number);
        reject(error);
      }
    });
  }

  /** Say something that nobody answers. */
  tell(op, payload) {
    this.send(['tell', this.#next++, op, payload]);
  }

  #read(data, start) {
    this.#left = this.#left.length ? Buffer.concat([this.#left, data]) : data;
    while (this.#left.length >= 4) {
      const end = 4 + this.#left.readUInt32LE(0);
      if (this.#left.length < end) return;
      const [kind, number, ...rest] = decode(this.#left.toString('utf8', 4, end));
      this.#left = this.#left.subarray(end);
      if (kind === 'do') {
        start(number, ...rest);
        continue;
      }
      const waiting = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (kind === 'answer') waiting?.resolve(rest[0]);
      else waiting?.reject(new WorldError(rest[0]));
    }
  }
}
