import { DomainError } from '../../base/errors.ts';
import type { Init } from '../protobuf/message-codec.ts';
import { ProtobufError } from '../protobuf/protobuf-error.ts';
import type { MethodCodec } from '../protobuf/service-registry.ts';
import type { RequestEnvelope as Request } from './envelope.ts';
import { encodeStatusFrame, finishResponseFrame, RequestEnvelope, RESPONSE_RESERVE } from './envelope.ts';
import type { FrameHeader } from './frame.ts';
import { FLAG_REMOTE_CLOSED, FRAME_DATA, FRAME_REQUEST, oversizeText } from './frame.ts';
import type { FrameBudget } from './frame-budget.ts';
import type { FrameSink } from './frame-decoder.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { OutputQueue } from './output-queue.ts';
import type { CallOwner } from './server-call.ts';
import { ServerCall } from './server-call.ts';
import type { ServerLimits } from './server-limits.ts';
import { DEFAULT_SERVER_LIMITS } from './server-limits.ts';
import { INTERNAL, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, UNKNOWN } from './status-code.ts';

/** Which methods exist; `ServiceRegistry` is one. */
export interface MethodTable {
  hasService(service: string): boolean;
  find(service: string, method: string): MethodCodec | undefined;
}

export interface ServerConnectionOptions {
  readonly methods: MethodTable;
  readonly budget: FrameBudget;
  /** Called for each accepted request, in the order of their frames. May answer at once or later; a throw fails the call. */
  readonly onCall: (call: ServerCall) => void;
  readonly limits?: Partial<ServerLimits>;
}

const DECODE_OPTIONS = { refuseNul: true };

/** Longest part of a peer's service or method name that is echoed in an error. */
const MAX_ECHO = 256;

function echo(name: string): string {
  return name.length > MAX_ECHO ? `${name.slice(0, MAX_ECHO)}...` : name;
}

/**
 * The server's side of one ttrpc connection, without I/O: bytes in, calls and bytes out.
 *
 * The owner feeds `receive` while `wantsInput`, writes what `output` shows and reports it with `wrote`. When the peer does not read, `wantsInput`
 * turns false and rest of the input waits: nothing grows, and nobody else waits. A frame that breaks a rule is answered on its own
 * stream; the connection stays usable.
 */
export class ServerConnection implements CallOwner, FrameSink {
  readonly #options: ServerConnectionOptions;
  readonly #limits: ServerLimits;
  readonly #decoder: FrameDecoder;
  readonly #queue = new OutputQueue();
  /** Live calls by stream id; integer keys, so a plain object (a Map degenerates on the engine). */
  readonly #calls = Object.create(null) as Record<number, ServerCall>;
  #callCount = 0;
  /** Bytes of unanswered requests that the frame budget does not count. */
  #uncharged = 0;
  /** Input that came after the output queue was full. */
  #backlog: Uint8Array | undefined;
  #writableListeners = new Set<() => void>();
  #inputEnded = false;
  #closed = false;

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits };
    this.#decoder = new FrameDecoder(options.budget);
  }

  /** Calls without an answer. */
  get callCount(): number {
    return this.#callCount;
  }

  /** Bytes that wait to be written. */
  get outputBytes(): number {
    return this.#queue.bytes;
  }

  /** False while answers pile up, after the end of input, and when closed: do not read from the socket then. */
  get wantsInput(): boolean {
    return !this.#closed && !this.#inputEnded && this.#backlog === undefined && this.canQueue;
  }

  /** True while part of a frame has arrived; the owner limits how long that may last. */
  get isMidFrame(): boolean {
    return this.#decoder.isMidFrame;
  }

  /** Frames that have arrived whole: the owner's limit is for one frame, not for a stream of them. */
  get frameCount(): number {
    return this.#decoder.frameCount;
  }

  /** True after the peer's last byte. */
  get hasInputEnded(): boolean {
    return this.#inputEnded;
  }

  /** True when the peer has sent its last byte and has every answer: time to close the socket. */
  get isDone(): boolean {
    return (
      this.#closed ||
      (this.#inputEnded && this.#backlog === undefined && this.#callCount === 0 && this.#queue.bytes === 0)
    );
  }

  /** True while a further answer is queued at once. */
  get canQueue(): boolean {
    return !this.#closed && this.#queue.isBelow(this.#limits.pauseOutputBytes, this.#limits.pauseOutputFrames);
  }

  /** Takes bytes from the peer. `chunk` may be reused afterwards. */
  receive(chunk: Uint8Array): void {
    if (this.#closed || this.#inputEnded) return;
    if (this.#backlog === undefined) {
      const used = this.#decoder.feed(chunk, this);
      if (used < chunk.length && !this.#isClosed()) this.#backlog = new Uint8Array(chunk.subarray(used));
      return;
    }
    // The owner read although it was asked not to: keep the order.
    const joined = new Uint8Array(this.#backlog.length + chunk.length);
    joined.set(this.#backlog);
    joined.set(chunk, this.#backlog.length);
    this.#backlog = joined;
  }

  /** The peer will send nothing more (EOF). Answers still go out: it may have closed only its sending half. */
  endInput(): void {
    this.#inputEnded = true;
  }

  /** The next bytes to write, at most `maxBytes`; undefined when there are none. */
  output(maxBytes: number): Uint8Array | undefined {
    return this.#queue.peek(maxBytes);
  }

  /** Reports that `count` bytes of `output` were written. Resumes waiting input and handlers. */
  wrote(count: number): void {
    this.#queue.consume(count);
    if (!this.canQueue) return;
    if (this.#writableListeners.size > 0) {
      const listeners = [...this.#writableListeners];
      this.#writableListeners.clear();
      for (const listener of listeners) listener();
    }
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- a listener may have filled the queue again
    while (this.#backlog !== undefined && this.canQueue) {
      const waiting: Uint8Array = this.#backlog;
      this.#backlog = undefined;
      const used = this.#decoder.feed(waiting, this);
      if (used < waiting.length && !this.#isClosed()) this.#backlog = waiting.subarray(used);
    }
  }

  /** Ends everything: handlers are aborted with `reason`, queued answers dropped. Idempotent. */
  close(reason: unknown = new DomainError('cancelled', 'connection closed')): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#decoder.close();
    this.#queue.clear();
    this.#backlog = undefined;
    this.#writableListeners.clear();
    for (const streamId of Object.keys(this.#calls)) {
      const call = this.#calls[Number(streamId)];
      if (call === undefined) continue;
      this.#forget(call);
      call.cancel(reason);
    }
  }

  onceWritable(listener: () => void): () => void {
    this.#writableListeners.add(listener);
    return () => void this.#writableListeners.delete(listener);
  }

  /** The call's side. */
  reply(call: ServerCall, response: Init<object>): void {
    let frame: Uint8Array;
    try {
      frame = finishResponseFrame(call.streamId, call.codec.response.encode(response, RESPONSE_RESERVE));
    } catch (error) {
      this.fail(
        call,
        INTERNAL,
        `encode ${call.method} response: ${error instanceof Error ? error.message : 'out of memory'}`,
      );
      return;
    }
    if (this.#queue.bytes + frame.length > this.#limits.maxOutputBytes) {
      this.fail(call, RESOURCE_EXHAUSTED, `${this.#queue.bytes} bytes of answers wait to be read`);
      return;
    }
    this.#settle(call);
    this.#queue.push(frame);
  }

  /** The call's side. */
  fail(call: ServerCall, code: number, message: string): void {
    this.#settle(call);
    this.#refuse(call.streamId, code, message);
  }

  /** The decoder's side. */
  frame(header: FrameHeader, body: Uint8Array, charged: number): boolean {
    const kept = header.type === FRAME_REQUEST && this.#request(header, body, charged);
    if (!kept) this.#options.budget.release(charged);
    if (header.type === FRAME_DATA) this.#data(header);
    return this.canQueue;
  }

  /** The decoder's side. */
  discarded(header: FrameHeader, reason: 'oversized' | 'budget'): boolean {
    if (header.type === FRAME_REQUEST || header.type === FRAME_DATA) {
      if (reason === 'oversized') this.#refuse(header.streamId, INVALID_ARGUMENT, oversizeText(header.length));
      else this.#refuse(header.streamId, RESOURCE_EXHAUSTED, `no memory for a frame of ${header.length} bytes now`);
    }
    return this.canQueue;
  }

  /** Returns true when a call was made that keeps the frame's charge. */
  #request(header: FrameHeader, body: Uint8Array, charged: number): boolean {
    const streamId = header.streamId;
    if ((streamId & 1) === 0) return this.#refuse(streamId, INVALID_ARGUMENT, 'stream id must be odd');
    // Upstream does not look. A finished id may come again; a live one would get two answers, and the caller could not tell which is whose.
    if (this.#calls[streamId] !== undefined)
      return this.#refuse(streamId, INVALID_ARGUMENT, `stream id ${streamId} is in use`);
    let envelope: Request;
    try {
      envelope = RequestEnvelope.decode(body);
    } catch (error) {
      return this.#refuse(streamId, INVALID_ARGUMENT, `invalid request: ${describe(error)}`);
    }
    const codec = this.#options.methods.find(envelope.service, envelope.method);
    if (codec === undefined) {
      return this.#options.methods.hasService(envelope.service)
        ? this.#refuse(streamId, UNIMPLEMENTED, `${echo(envelope.method)} method`)
        : this.#refuse(streamId, INVALID_ARGUMENT, `${echo(envelope.service)} service does not exist`);
    }
    if (this.#callCount >= this.#limits.maxCalls)
      return this.#refuse(streamId, RESOURCE_EXHAUSTED, `more than ${this.#limits.maxCalls} calls on one connection`);
    if (charged === 0 && this.#uncharged + body.length > this.#limits.maxRequestBytes)
      return this.#refuse(streamId, RESOURCE_EXHAUSTED, `unanswered requests hold ${this.#uncharged} bytes`);
    let request: object;
    try {
      request = codec.request.decode(envelope.payload, DECODE_OPTIONS);
    } catch (error) {
      return this.#refusePayload(streamId, error);
    }
    const call = new ServerCall(this, header, envelope, codec, request, charged);
    this.#calls[streamId] = call;
    this.#callCount += 1;
    this.#uncharged += unchargedBytes(call);
    try {
      this.#options.onCall(call);
    } catch (error) {
      call.fail(INTERNAL, `${call.method}: ${describe(error)}`);
    }
    return true;
  }

  /**
   * No method of the API streams, so every data frame is stray. On a live call it is ignored, since an answer would be taken for the call's;
   * unless it breaks the protocol, which ends that call.
   */
  #data(header: FrameHeader): void {
    const call = this.#calls[header.streamId];
    const isViolation = (header.flags & FLAG_REMOTE_CLOSED) !== 0 && header.length > 0;
    if (call === undefined) {
      if ((header.streamId & 1) === 0) this.#refuse(header.streamId, INVALID_ARGUMENT, 'stream id must be odd');
      else this.#refuse(header.streamId, INVALID_ARGUMENT, 'Stream is no longer active');
    } else if (isViolation) {
      this.#forget(call);
      this.#refuse(header.streamId, INVALID_ARGUMENT, 'data frame that closes the stream must be empty');
      call.cancel(new DomainError('cancelled', 'the peer broke the protocol on this stream'));
    }
  }

  /**
   * Upstream answers UNKNOWN for a payload that does not decode, and hosts know only that. What upstream would have taken but we refuse (limits, text
   * that the kernel would see differently) is an invalid argument.
   */
  #refusePayload(streamId: number, error: unknown): boolean {
    if (error instanceof ProtobufError && error.kind !== 'malformed')
      return this.#refuse(streamId, INVALID_ARGUMENT, error.message);
    return this.#refuse(streamId, UNKNOWN, `ttrpc err: ${describe(error)}`);
  }

  #refuse(streamId: number, code: number, message: string): false {
    this.#queue.push(encodeStatusFrame(streamId, code, message));
    return false;
  }

  #settle(call: ServerCall): void {
    call.settle();
    this.#forget(call);
  }

  #forget(call: ServerCall): void {
    if (this.#calls[call.streamId] !== call) return;
    delete this.#calls[call.streamId];
    this.#callCount -= 1;
    this.#uncharged -= unchargedBytes(call);
    this.#options.budget.release(call.charged);
  }

  #isClosed(): boolean {
    return this.#closed;
  }
}

function unchargedBytes(call: ServerCall): number {
  return call.charged === 0 ? call.bodyLength : 0;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'out of memory';
}
