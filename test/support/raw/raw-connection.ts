import type { Duplex } from 'node:stream';
import { within } from '../eventually.ts';
import type { AgentProcess } from '../agent/start-agent.ts';

/** A frame as it came, with its status read by hand. */
export interface RawAnswer {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
  readonly code: number;
  readonly text: string;
  /** The response message. */
  readonly payload: Buffer;
}

/** Longest wait for an answer, in ms. */
const ANSWER_MS = 30_000;

/** A connection on which a test sends what bytes it likes and reads frames one by one. */
export class RawConnection implements AsyncDisposable {
  readonly socket: Duplex;
  readonly answers: RawAnswer[] = [];
  #input = Buffer.alloc(0);
  #isClosed = false;
  #changed = (): void => undefined;

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on('data', (data: Buffer) => {
      this.#input = Buffer.concat([this.#input, data]);
      this.#cut();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.#isClosed = true;
        this.#changed();
      });
    }
  }

  static async open(agent: AgentProcess): Promise<RawConnection> {
    return new RawConnection(await agent.dial());
  }

  /** True when the agent has closed its side. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends bytes, and waits until the kernel or our own buffer took them. */
  async send(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.socket.destroyed || this.socket.writableEnded) return;
    await new Promise<void>((resolve) => {
      const done = (): void => resolve();
      this.socket.once('close', done);
      this.socket.write(Buffer.concat(parts), () => {
        this.socket.removeListener('close', done);
        resolve();
      });
    });
  }

  /** The next answer, in order of arrival. */
  async next(): Promise<RawAnswer> {
    await this.#until(() => this.answers.length > 0 || this.#isClosed, 'an answer');
    const answer = this.answers.shift();
    if (answer === undefined) throw new Error('the agent closed the connection');
    return answer;
  }

  /** The answer on one stream; others stay. */
  async answerOn(streamId: number): Promise<RawAnswer> {
    const find = (): number => this.answers.findIndex((answer) => answer.streamId === streamId);
    await this.#until(() => find() >= 0 || this.#isClosed, `an answer on stream ${streamId}`);
    const index = find();
    if (index < 0) throw new Error(`the agent closed the connection without an answer on stream ${streamId}`);
    return this.answers.splice(index, 1)[0] as RawAnswer;
  }

  /** Waits for `count` answers and takes them all. */
  async take(count: number): Promise<RawAnswer[]> {
    await this.#until(() => this.answers.length >= count || this.#isClosed, `${count} answers`);
    return this.answers.splice(0);
  }

  /** Waits until the agent closes the connection. */
  async closed(): Promise<void> {
    await this.#until(() => this.#isClosed, 'the end of the connection');
  }

  /** Ends our sending half. */
  halfClose(): void {
    this.socket.end();
  }

  /** Drops the connection. A Unix socket with unread input resets the peer; else it sees the end. */
  drop(): void {
    this.socket.destroy();
  }

  async #until(isReached: () => boolean, what: string): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (isReached()) resolve();
      };
      this.#changed();
    });
    await within(ANSWER_MS, what, reached);
  }

  #cut(): void {
    while (this.#input.length >= 10) {
      const length = this.#input.readUInt32BE(0);
      if (this.#input.length < 10 + length) break;
      const body = Buffer.from(this.#input.subarray(10, 10 + length));
      this.answers.push({
        streamId: this.#input.readUInt32BE(4),
        type: this.#input[8] as number,
        flags: this.#input[9] as number,
        body,
        ...readResponse(body),
      });
      this.#input = this.#input.subarray(10 + length);
    }
    this.#changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await Promise.resolve();
  }
}

/** Reads a Response: status 1 { code 1, message 2 }, payload 2. */
function readResponse(body: Buffer): { code: number; text: string; payload: Buffer } {
  const fields = readFields(body);
  const status = readFields(fields.get(1) ?? Buffer.alloc(0));
  const code = status.get(1);
  return {
    code: code === undefined ? 0 : Number(readVarint(code, 0).value),
    text: (status.get(2) ?? Buffer.alloc(0)).toString(),
    payload: fields.get(2) ?? Buffer.alloc(0),
  };
}

/** Fields of a message by number: content of length-delimited ones, bytes of varints; the last wins. */
function readFields(message: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  let offset = 0;
  while (offset < message.length) {
    const tag = readVarint(message, offset);
    offset = tag.next;
    const value = readVarint(message, offset);
    if ((tag.value & 7n) === 0n) {
      fields.set(Number(tag.value >> 3n), message.subarray(offset, value.next));
      offset = value.next;
    } else {
      const end = value.next + Number(value.value);
      fields.set(Number(tag.value >> 3n), message.subarray(value.next, end));
      offset = end;
    }
  }
  return fields;
}

function readVarint(message: Buffer, start: number): { value: bigint; next: number } {
  let value = 0n;
  for (let offset = start, shift = 0n; ; offset++, shift += 7n) {
    const byte = message[offset] ?? 0;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value, next: offset + 1 };
  }
}
