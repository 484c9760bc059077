import { setTimeout as sleep } from 'node:timers/promises';
import { encodeRequestFrame, RequestEnvelope } from '../../../agent/src/codec/ttrpc/envelope.ts';
import type { RawAnswer, RawConnection } from '../raw/raw-connection.ts';
import type { RecordedEvent, RecordedRequest } from './recording.ts';

/** An answer of the agent under test beside the recorded one. */
export interface ReplayedAnswer {
  readonly method: string;
  readonly recorded: { readonly code: number; readonly message: Readonly<Record<string, unknown>> };
  readonly actual: {
    readonly code: number;
    readonly text: string;
    readonly message: Readonly<Record<string, unknown>>;
  };
}

/** How a replay went. */
export interface Replay {
  /** All but reads, in the recorded order of answers. */
  readonly answers: readonly ReplayedAnswer[];
  /** Everything that was read, by `container/exec/stream`. */
  readonly streams: ReadonlyMap<string, string>;
  /** Calls that the recording left open, such as the event poll. */
  readonly open: readonly string[];
}

export interface ReplayOptions {
  /** Changes a request that does not fit the place of the test. The message is a copy. */
  readonly edit?: (method: string, message: Record<string, unknown>) => Record<string, unknown>;
  /** What recorded output looks like here; undefined for output that need not appear. */
  readonly expected?: (text: string) => string | undefined;
  /** How much slower than the recording the place of the test is; default 1. */
  readonly slowness?: number;
}

/**
 * Before input, a pause of the person at the recorded terminal counts if it was longer than this: a shell that has echoed a line still
 * takes a moment to hand the terminal over, and nothing that can be seen marks the end of that moment.
 */
const LONG_PAUSE_MS = 500;

const READS: readonly string[] = ['ReadStdout', 'ReadStderr'];
/** First stream id of reads of our own; the recordings end far below. */
const OWN_STREAM_ID = 1_000_001;

/**
 * Says to an agent what Kata's host said, frame by frame, each frame after the answers that came before it in the recording. How output
 * is cut into answers is a matter of moments, so reads are compared as text: a recorded read is answered when its text has
 * appeared, by as many reads as that takes.
 */
export async function replay(
  connection: RawConnection,
  events: readonly RecordedEvent[],
  options: ReplayOptions = {},
): Promise<Replay> {
  const streams = new Map<string, ReadStream>();
  const answers: ReplayedAnswer[] = [];
  const open = new Map<number, string>();
  let ownId = OWN_STREAM_ID;
  const nextOwnId = (): number => (ownId += 2);

  for (const event of events) {
    const request = event.kind === 'request' ? event : event.request;
    if (READS.includes(request.method)) {
      const key = streamKey(request);
      const stream = streams.get(key) ?? new ReadStream(connection, request, nextOwnId);
      streams.set(key, stream);
      if (event.kind === 'request') await stream.asked(event);
      else await stream.reach(event.code, Buffer.from((event.message['data'] ?? '') as Uint8Array).toString(), options);
    } else if (event.kind === 'request') {
      open.set(event.streamId, event.method);
      if (event.method === 'WriteStdin' && event.pauseMs > LONG_PAUSE_MS)
        await sleep(event.pauseMs * (options.slowness ?? 1));
      await connection.send(edited(event, options));
    } else {
      const answer = await connection.answerOn(event.streamId);
      open.delete(event.streamId);
      answers.push({
        method: request.method,
        recorded: { code: event.code, message: event.message },
        actual: { code: answer.code, text: answer.text, message: { ...request.codec.response.decode(answer.payload) } },
      });
    }
  }
  const texts = new Map([...streams].map(([key, stream]) => [key, stream.text] as const));
  return { answers, streams: texts, open: [...open.values()] };
}

function streamKey(request: RecordedRequest): string {
  const { container_id, exec_id } = request.message;
  return `${String(container_id)}/${String(exec_id)}/${request.method === 'ReadStdout' ? 'stdout' : 'stderr'}`;
}

function edited(event: RecordedRequest, options: ReplayOptions): Uint8Array {
  if (options.edit === undefined) return event.frame;
  const message = options.edit(event.method, { ...event.message });
  const envelope = RequestEnvelope.decode(event.frame.subarray(10));
  return encodeRequestFrame(event.streamId, { ...envelope, payload: event.codec.request.encode(message) });
}

/** One output stream of one process, read as the recording reads it. */
class ReadStream {
  readonly #connection: RawConnection;
  readonly #like: RecordedRequest;
  readonly #nextOwnId: () => number;
  /** Recorded reads not sent yet: there was one in flight. */
  readonly #waiting: RecordedRequest[] = [];
  #inFlight: number | undefined;
  #isAtEnd = false;
  /** Where the recorded text that was reached last ends. */
  #cursor = 0;
  text = '';

  constructor(connection: RawConnection, like: RecordedRequest, nextOwnId: () => number) {
    this.#connection = connection;
    this.#like = like;
    this.#nextOwnId = nextOwnId;
  }

  async asked(request: RecordedRequest): Promise<void> {
    this.#waiting.push(request);
    if (this.#inFlight === undefined) await this.#ask();
  }

  /** Reads until what the recording has next was read: its text, or its end. */
  async reach(code: number, recorded: string, options: ReplayOptions): Promise<void> {
    if (code !== 0 || recorded === '') {
      while (!this.#isAtEnd) await this.#read();
      return;
    }
    const text = options.expected === undefined ? recorded : options.expected(recorded);
    if (text === undefined) return;
    for (;;) {
      const found = this.text.indexOf(text, this.#cursor);
      if (found >= 0) {
        this.#cursor = found + text.length;
        return;
      }
      if (this.#isAtEnd)
        throw new Error(`the stream ended before ${JSON.stringify(text)}; it was ${JSON.stringify(this.text)}`);
      try {
        await this.#read();
      } catch (error) {
        const read = JSON.stringify(this.text);
        throw new Error(`waiting for ${JSON.stringify(text)} after ${this.#cursor} of ${read}`, { cause: error });
      }
    }
  }

  async #ask(): Promise<void> {
    const recorded = this.#waiting.shift();
    this.#inFlight = recorded?.streamId ?? this.#nextOwnId();
    const like = envelopeOf(this.#like);
    await this.#connection.send(recorded?.frame ?? encodeRequestFrame(this.#inFlight, like));
  }

  async #read(): Promise<void> {
    if (this.#inFlight === undefined) await this.#ask();
    const answer: RawAnswer = await this.#connection.answerOn(this.#inFlight as number);
    this.#inFlight = undefined;
    const { data } = this.#like.codec.response.decode(answer.payload) as { data: Uint8Array };
    if (answer.code !== 0 || data.length === 0) this.#isAtEnd = true;
    else this.text += Buffer.from(data).toString();
  }
}

function envelopeOf(request: RecordedRequest) {
  return RequestEnvelope.decode(request.frame.subarray(10));
}
