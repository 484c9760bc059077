import { AbortController } from '../../../base/abort.ts';
import type { AbortSignal } from '../../../base/abort.ts';
import { DomainError } from '../../../base/errors.ts';
import type { Scope } from '../../../base/scope.ts';
import { DbusError } from '../../../codec/dbus/dbus-error.ts';
import { ClientHandshake } from '../../../codec/dbus/handshake.ts';
import { encodeMessage } from '../../../codec/dbus/message.ts';
import type { Message, OutgoingMessage } from '../../../codec/dbus/message.ts';
import { MessageStream } from '../../../codec/dbus/message-stream.ts';
import type { DbusValue } from '../../../codec/dbus/value.ts';
import type { Fd } from '../../../sys/fd.ts';
import type { EventLoop } from '../../../sys/loop.ts';
import { readSome, writeFully } from '../../../sys/readiness.ts';
import { connectUnix } from '../../../sys/socket.ts';

/** Far more than what is said here; signals of others come along as well. */
const maxMessageBytes = 1 << 20;
const readBytes = 16 * 1024;
/** Of a text of the other side, in an error. */
const maxTextLength = 500;

/** The other side says no. */
export class CallError extends Error {
  override readonly name = 'CallError';
  /** E.g. `org.freedesktop.DBus.Error.AccessDenied`. */
  readonly errorName: string;

  constructor(errorName: string, text: string) {
    super(`${text.slice(0, maxTextLength)} (${errorName.slice(0, maxTextLength)})`);
    this.errorName = errorName;
  }
}

/** A method to call. */
export interface MethodCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly values?: readonly DbusValue[];
}

/** A signal that gives up when `deadlineMs` are over; the scope takes its timer away. */
export function withDeadline(
  loop: EventLoop,
  scope: Scope,
  deadlineMs: number,
  what: string,
  signal?: AbortSignal,
): AbortSignal {
  const controller = new AbortController();
  const timer = loop.setTimer(deadlineMs, () => {
    controller.abort(new DomainError('deadline_exceeded', `${what}: no answer within ${deadlineMs} ms`));
  });
  scope.defer(() => timer.cancel());
  const unregister = signal?.onAbort((reason) => controller.abort(reason));
  if (unregister !== undefined) scope.defer(unregister);
  return controller.signal;
}

/**
 * A D-Bus connection for one conversation at a time: whoever waits for something reads, and hands the signals that come before it to
 * `onSignal`.
 */
export class Connection implements Disposable {
  /** Of the socket, for messages and for whoever connects again. */
  readonly socket: string;
  onSignal: (signal: Message) => void = () => undefined;
  readonly #loop: EventLoop;
  readonly #fd: Fd;
  readonly #stream = new MessageStream(maxMessageBytes);
  readonly #buffer = new Uint8Array(readBytes);
  #serial = 0;

  private constructor(loop: EventLoop, socket: string, fd: Fd) {
    this.#loop = loop;
    this.socket = socket;
    this.#fd = fd;
  }

  /** Connects and authenticates as `uid`. Throws SysError, DbusError, or RejectedError for another user id. */
  static async open(loop: EventLoop, socket: string, uid: number, signal: AbortSignal): Promise<Connection> {
    const connection = new Connection(loop, socket, connectUnix(socket));
    try {
      await connection.#authenticate(uid, signal);
      return connection;
    } catch (error) {
      connection.#fd.close();
      throw error;
    }
  }

  async #authenticate(uid: number, signal: AbortSignal): Promise<void> {
    const handshake = new ClientHandshake(uid);
    await writeFully(this.#loop, this.#fd, handshake.greeting, signal);
    for (;;) {
      const { answer, rest } = handshake.feed(await this.#read(signal));
      if (answer.length > 0) await writeFully(this.#loop, this.#fd, answer, signal);
      if (rest === undefined) continue;
      this.#stream.push(rest);
      return;
    }
  }

  async #read(signal: AbortSignal): Promise<Uint8Array> {
    const count = await readSome(this.#loop, this.#fd, this.#buffer, signal);
    if (count === 0) throw new DomainError('unavailable', `${this.#fd.what}: the connection was closed`);
    return this.#buffer.subarray(0, count);
  }

  /** Waits for the next message of whatever kind; signals go to `onSignal`. */
  async receive(signal: AbortSignal): Promise<Message> {
    for (;;) {
      signal.throwIfAborted();
      const message = this.#stream.next();
      if (message === undefined) {
        this.#stream.push(await this.#read(signal));
        continue;
      }
      if (message.type === 'signal') this.onSignal(message);
      return message;
    }
  }

  /** Calls a method and waits for its answer. Throws CallError when that is an error. */
  async call(call: MethodCall, signal: AbortSignal): Promise<Message> {
    const serial = ++this.#serial;
    const { signature = '', values = [], ...fields } = call;
    const message: OutgoingMessage = { type: 'call', serial, signature, values, ...fields };
    await writeFully(this.#loop, this.#fd, encodeMessage(message), signal);
    for (;;) {
      const answer = await this.receive(signal);
      if (answer.replySerial !== serial) continue;
      if (answer.type === 'return') return answer;
      if (answer.type === 'error') throw new CallError(answer.errorName ?? '', errorText(answer));
    }
  }

  [Symbol.dispose](): void {
    this.#fd.close();
  }
}

/** The first value is a text for people, if there is one. */
function errorText(answer: Message): string {
  if (!answer.signature.startsWith('s')) return 'refused';
  const [text] = answer.body();
  if (typeof text !== 'string') throw new DbusError('an error whose text is none');
  return text;
}
