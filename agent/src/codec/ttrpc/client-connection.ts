import type { MessageCodec } from '../protobuf/message-codec.ts';
import type { KeyValue, ResponseEnvelope as Response } from './envelope.ts';
import { encodeRequestFrame, MAX_STATUS_TEXT, ResponseEnvelope } from './envelope.ts';
import type { FrameHeader } from './frame.ts';
import { FRAME_DATA, FRAME_RESPONSE, oversizeText } from './frame.ts';
import type { FrameBudget } from './frame-budget.ts';
import { unlimitedFrameBudget } from './frame-budget.ts';
import type { FrameSink } from './frame-decoder.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { OutputQueue } from './output-queue.ts';
import { connectionLost, RpcError } from './rpc-error.ts';
import { INTERNAL, INVALID_ARGUMENT, OK, RESOURCE_EXHAUSTED } from './status-code.ts';

/** How a call ended: the decoded response, or why there is none. Called exactly once, never from inside `call`. */
export interface CallResult<Response extends object> {
  readonly response: (response: Response) => void;
  readonly error: (error: RpcError) => void;
}

export interface ClientCall<Response extends object> {
  readonly service: string;
  readonly method: string;
  /** The encoded request. */
  readonly payload: Uint8Array;
  readonly codec: MessageCodec<Response>;
  /** Nanoseconds the server may take; absent means without limit. The caller's own timer calls `cancel`. */
  readonly timeoutNano?: bigint;
  readonly metadata?: readonly KeyValue[];
}

interface PendingCall {
  readonly method: string;
  readonly codec: MessageCodec<object>;
  readonly result: CallResult<object>;
}

/** The host is fast enough for the longest lists that fit a frame. */
const DECODE_OPTIONS = { maxFields: 1 << 20 };

const LAST_STREAM_ID = 0xffff_ffff;

/**
 * The client's side of one ttrpc connection, without I/O. The server is not trusted (security case VMB-12): a frame that no server would send breaks the connection with
 * a typed error for every call, memory follows the bytes that arrived, and text from the peer is cut.
 */
export class ClientConnection implements FrameSink {
  readonly #budget: FrameBudget;
  readonly #decoder: FrameDecoder;
  readonly #queue = new OutputQueue();
  readonly #pending = Object.create(null) as Record<number, PendingCall>;
  #pendingCount = 0;
  #nextStreamId = 1;
  #hasWrapped = false;
  #failure: RpcError | undefined;

  constructor(budget: FrameBudget = unlimitedFrameBudget) {
    this.#budget = budget;
    this.#decoder = new FrameDecoder(budget);
  }

  /** Calls without an answer. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Bytes that wait to be written; a caller with bulk data waits for it to fall. */
  get outputBytes(): number {
    return this.#queue.bytes;
  }

  /** Why the connection is unusable; undefined while it works. */
  get failure(): RpcError | undefined {
    return this.#failure;
  }

  /**
   * Queues a request and returns its stream id. Throws `RpcError` when the connection is gone, RangeError when the request exceeds a frame, ProtobufError
   * when a name does not fit its field; in these cases no result is reported.
   */
  call<T extends object>(call: ClientCall<T>, result: CallResult<T>): number {
    if (this.#failure !== undefined) throw this.#failure;
    const streamId = this.#nextStreamId;
    const frame = encodeRequestFrame(streamId, {
      service: call.service,
      method: call.method,
      payload: call.payload,
      timeout_nano: call.timeoutNano ?? 0n,
      metadata: call.metadata ?? [],
    });
    this.#advanceStreamId();
    this.#pending[streamId] = {
      method: call.method,
      codec: call.codec,
      result: result as unknown as CallResult<object>,
    };
    this.#pendingCount += 1;
    this.#queue.push(frame);
    return streamId;
  }

  /** Gives a call up: it ends with `error`, and a late answer is dropped. Does nothing when the call has ended. */
  cancel(streamId: number, error: RpcError): void {
    this.#take(streamId)?.result.error(error);
  }

  /** Takes bytes from the peer. `chunk` may be reused afterwards. */
  receive(chunk: Uint8Array): void {
    if (this.#failure === undefined) this.#decoder.feed(chunk, this);
  }

  /** The peer closed the connection: every call fails. */
  endInput(): void {
    this.fail(
      connectionLost(this.#decoder.isMidFrame ? 'connection closed in the middle of a frame' : 'connection closed'),
    );
  }

  /** The next bytes to write, at most `maxBytes`; undefined when there are none. */
  output(maxBytes: number): Uint8Array | undefined {
    return this.#queue.peek(maxBytes);
  }

  /** Reports that `count` bytes of `output` were written. */
  wrote(count: number): void {
    this.#queue.consume(count);
  }

  /** Ends the connection: every pending call and every later one fails with `error`. Idempotent. */
  fail(error: RpcError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#decoder.close();
    this.#queue.clear();
    for (const streamId of Object.keys(this.#pending)) this.#take(Number(streamId))?.result.error(error);
  }

  /** The decoder's side. */
  frame(header: FrameHeader, body: Uint8Array, charged: number): boolean {
    try {
      if (header.type === FRAME_RESPONSE) this.#response(header, body);
      else if (header.type === FRAME_DATA) this.#protocolError(`data frame on the unary stream ${header.streamId}`);
      // Other types are ignored, as the protocol asks.
    } finally {
      this.#budget.release(charged);
    }
    return this.#failure === undefined;
  }

  /** The decoder's side. */
  discarded(header: FrameHeader, reason: 'oversized' | 'budget'): boolean {
    const text =
      reason === 'oversized' ? oversizeText(header.length) : `no memory for a frame of ${header.length} bytes now`;
    if (header.type === FRAME_RESPONSE)
      this.#take(header.streamId)?.result.error(new RpcError(RESOURCE_EXHAUSTED, text, 'local'));
    return true;
  }

  #response(header: FrameHeader, body: Uint8Array): void {
    const pending = this.#take(header.streamId);
    if (pending === undefined) {
      // A late answer to a call that was given up is normal; one to a call never made is not.
      if (!this.#wasUsed(header.streamId))
        this.#protocolError(`response on stream ${header.streamId}, which was never used`);
      return;
    }
    let envelope: Response;
    let response: object;
    try {
      envelope = ResponseEnvelope.decode(body);
      const status = envelope.status;
      if (status !== undefined && status.code !== OK) {
        pending.result.error(new RpcError(status.code, status.message.slice(0, MAX_STATUS_TEXT), 'peer'));
        return;
      }
      response = pending.codec.decode(envelope.payload, DECODE_OPTIONS);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'out of memory';
      pending.result.error(new RpcError(INTERNAL, `${pending.method} response does not decode: ${reason}`, 'local'));
      return;
    }
    pending.result.response(response);
  }

  #protocolError(what: string): void {
    this.fail(new RpcError(INVALID_ARGUMENT, `the peer broke the protocol: ${what}`, 'local'));
  }

  #take(streamId: number): PendingCall | undefined {
    const pending = this.#pending[streamId];
    if (pending === undefined) return undefined;
    delete this.#pending[streamId];
    this.#pendingCount -= 1;
    return pending;
  }

  #wasUsed(streamId: number): boolean {
    return (streamId & 1) === 1 && (this.#hasWrapped || streamId < this.#nextStreamId);
  }

  /** Odd ids, two apart; after the last one the free ones again. */
  #advanceStreamId(): void {
    do {
      if (this.#nextStreamId >= LAST_STREAM_ID) {
        this.#nextStreamId = 1;
        this.#hasWrapped = true;
      } else this.#nextStreamId += 2;
    } while (this.#pending[this.#nextStreamId] !== undefined);
  }
}
