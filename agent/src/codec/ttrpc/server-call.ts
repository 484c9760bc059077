import type { AbortSignal } from '../../base/abort.ts';
import { AbortController } from '../../base/abort.ts';
import { DomainError } from '../../base/errors.ts';
import type { Init } from '../protobuf/message-codec.ts';
import type { MethodCodec } from '../protobuf/service-registry.ts';
import type { KeyValue, RequestEnvelope } from './envelope.ts';
import type { FrameHeader } from './frame.ts';

/** What a call asks of its connection. */
export interface CallOwner {
  reply(call: ServerCall, response: Init<object>): void;
  fail(call: ServerCall, code: number, message: string): void;
  readonly canQueue: boolean;
  onceWritable(listener: () => void): () => void;
}

const NANOS_PER_MILLISECOND = 1e6;

/** Longest timer, in ms (2^31-1, 24 days); a deadline beyond it is none. */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * Milliseconds of a `timeout_nano`, rounded up so that a deadline is at least one tick away; undefined for none: zero, negative (upstream casts it
 * to unsigned, which means centuries) or too far for a timer.
 */
export function deadlineMs(timeoutNano: bigint): number | undefined {
  // A number is exact far beyond the longest timer.
  const milliseconds = Math.ceil(Number(timeoutNano) / NANOS_PER_MILLISECOND);
  return milliseconds > 0 && milliseconds <= MAX_TIMER_MS ? milliseconds : undefined;
}

/** A request that was accepted and waits for its one answer. */
export class ServerCall {
  readonly #owner: CallOwner;
  /** Made when somebody asks: a call that is answered at once needs none. */
  #abort: AbortController | undefined;
  readonly streamId: number;
  readonly service: string;
  readonly method: string;
  readonly codec: MethodCodec;
  /** The decoded request. */
  readonly request: object;
  readonly metadata: readonly KeyValue[];
  /** Time left when the request arrived, in ms; undefined without deadline. The owner of the clock calls `expire` then. */
  readonly deadlineMs: number | undefined;
  /** Bytes of the frame budget that the request holds until it is answered. */
  readonly charged: number;
  /** Length of the request frame's data. */
  readonly bodyLength: number;
  #open = true;

  constructor(
    owner: CallOwner,
    header: FrameHeader,
    envelope: RequestEnvelope,
    codec: MethodCodec,
    request: object,
    charged: number,
  ) {
    this.#owner = owner;
    this.streamId = header.streamId;
    this.service = envelope.service;
    this.method = envelope.method;
    this.codec = codec;
    this.request = request;
    this.metadata = envelope.metadata;
    this.deadlineMs = deadlineMs(envelope.timeout_nano);
    this.charged = charged;
    this.bodyLength = header.length;
  }

  /** Fires when the answer is no longer wanted: deadline, or the connection is gone. */
  get signal(): AbortSignal {
    return (this.#abort ??= new AbortController()).signal;
  }

  /** False once answered, expired or cancelled. Later answers are dropped. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** True when an answer would be queued at once. Take bytes that cannot be put back (a pipe, an event queue) only then. */
  get canReply(): boolean {
    return this.#open && this.#owner.canQueue;
  }

  /** Calls `listener` once when `canReply` may have become true. Returns the function that unregisters it. */
  onceWritable(listener: () => void): () => void {
    return this.#owner.onceWritable(listener);
  }

  reply(response: Init<object>): void {
    if (this.#open) this.#owner.reply(this, response);
  }

  fail(code: number, message: string): void {
    if (this.#open) this.#owner.fail(this, code, message);
  }

  /** Answers DEADLINE_EXCEEDED with upstream's text and aborts the handler. */
  expire(): void {
    if (!this.#open) return;
    this.#owner.fail(this, 4, 'timeout');
    this.signal.trigger(new DomainError('deadline_exceeded', 'timeout'));
  }

  /** The connection's side: no answer will be sent any more. */
  settle(): void {
    this.#open = false;
  }

  /** The connection's side: the answer has nobody to go to. */
  cancel(reason: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.signal.trigger(reason);
  }

  /** Values of a metadata key, in order. Go clients write keys in lower case. */
  metadataValues(key: string): string[] {
    return this.metadata.filter((pair) => pair.key === key).map((pair) => pair.value);
  }
}
