import { decodeBytes, encodeBytes } from '../../base/text.ts';
import { DbusError } from './dbus-error.ts';

/** A server's answers are a few words. */
const maxLineBytes = 4096;
const lineFeed = 0x0a;

/** The server does not take us for who we say we are. */
export class RejectedError extends DbusError {}

/**
 * The client's side of authentication by the credentials of the socket (D-Bus specification, "Authentication Protocol", EXTERNAL),
 * without input or output of its own. The connection is usable once `feed` has said that it is over.
 */
export class ClientHandshake {
  readonly #uid: number;
  #bytes: Uint8Array = new Uint8Array(0);

  /** @param uid as the server's side of the socket sees it */
  constructor(uid: number) {
    this.#uid = uid;
  }

  /** What to send first: a byte that carries the credentials where sockets need one, and who we are. */
  get greeting(): Uint8Array {
    const digits = [...encodeBytes(String(this.#uid))].map((byte) => byte.toString(16)).join('');
    return encodeBytes(`\0AUTH EXTERNAL ${digits}\r\n`);
  }

  /** Takes what was received; gives what to send in answer, and at the end what came after it. Throws DbusError. */
  feed(bytes: Uint8Array): { readonly answer: Uint8Array; readonly rest: Uint8Array | undefined } {
    this.#bytes = Uint8Array.from([...this.#bytes, ...bytes]);
    let answer = '';
    for (;;) {
      const end = this.#bytes.indexOf(lineFeed);
      if (end < 0) {
        if (this.#bytes.length > maxLineBytes) throw new DbusError(`handshake line of ${this.#bytes.length} bytes`);
        return { answer: encodeBytes(answer), rest: undefined };
      }
      const line = decodeBytes(this.#bytes.subarray(0, end)).trimEnd();
      this.#bytes = this.#bytes.slice(end + 1);
      const [word = ''] = line.split(' ');
      if (word === 'OK') return { answer: encodeBytes(`${answer}BEGIN\r\n`), rest: this.#bytes };
      if (word === 'REJECTED') throw new RejectedError(`user ${this.#uid} is rejected`);
      if (word !== 'DATA') throw new DbusError(`handshake answer ${JSON.stringify(line.slice(0, 100))}`);
      answer += 'DATA\r\n';
    }
  }
}
