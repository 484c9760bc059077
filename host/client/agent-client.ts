import type { Duplex } from 'node:stream';
import type { Init, MessageCodec } from '../../agent/src/codec/protobuf/message-codec.ts';
import { ClientConnection } from '../../agent/src/codec/ttrpc/client-connection.ts';
import { connectionLost, RpcError as TtrpcError } from '../../agent/src/codec/ttrpc/rpc-error.ts';
import { CANCELLED, DEADLINE_EXCEEDED } from '../../agent/src/codec/ttrpc/status-code.ts';
import { services, type Services } from '../../proto/gen/services.js';
import { describeStatus } from './describe-status.ts';
import { rpcCode, RpcError } from './rpc-error.ts';

export type AgentMethods = Services['grpc.AgentService'];
export type AgentMethod = keyof AgentMethods & string;

export interface CallOptions {
  /** Default: that of Kata's host, `DEFAULT_TIMEOUT_MS`; Infinity means none. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long after the deadline the agent itself may still say that it is over, in ms. Default 500. */
  readonly graceMs?: number | undefined;
  readonly metadata?: readonly { readonly key: string; readonly value: string }[] | undefined;
}

/** Limit of a call when the caller names none, in ms. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** Calls that last as long as a container does, or as long as it takes its time to read. */
const WAITING_METHODS: ReadonlySet<string> = new Set<AgentMethod>([
  'WaitProcess',
  'GetOOMEvent',
  'ReadStdout',
  'ReadStderr',
  'WriteStdin',
]);

/** The agent knows the deadline too; our own timer leaves it this much time to say so itself, in ms. */
const DEFAULT_GRACE_MS = 500;

/** Longest timer of Node, in ms. */
const MAX_TIMER_MS = 0x7fff_ffff;

const NANOS_PER_MS = 1_000_000;

/** Most bytes given to the stream at once. */
const WRITE_BYTES = 64 * 1024;

/**
 * The agent's API over any byte stream. Any number of calls may be in flight; each has a deadline and may be aborted.
 * What the peer sends is not trusted: `ClientConnection` bounds it, and one that breaks the protocol ends the connection.
 */
export class AgentClient implements AsyncDisposable {
  readonly #stream: Duplex;
  readonly #connection = new ClientConnection();
  #isWaitingForDrain = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Uint8Array) => {
      this.#connection.receive(chunk);
      if (this.#connection.failure !== undefined) stream.destroy();
    });
    stream.on('drain', () => {
      this.#isWaitingForDrain = false;
      this.#flush();
    });
    stream.on('end', () => this.#connection.endInput());
    stream.on('error', (error) => this.#connection.fail(connectionLost(error.message)));
    stream.on('close', () => this.#connection.endInput());
  }

  /** True when no call can succeed any more. */
  get isClosed(): boolean {
    return this.#connection.failure !== undefined;
  }

  /**
   * Calls a method of `grpc.AgentService`.
   *
   * @throws RpcError with the agent's status, `deadline_exceeded`, or `unavailable` when the connection is gone; the
   *   signal's reason when aborted
   */
  async call<M extends AgentMethod>(
    method: M,
    request: Init<AgentMethods[M]['request']>,
    options: CallOptions = {},
  ): Promise<AgentMethods[M]['response']> {
    const codec = services.method('grpc.AgentService', method);
    return await this.#call('grpc.AgentService', method, codec.request.encode(request), codec.response, options);
  }

  /** Asks `grpc.Health` whether the agent serves. @throws RpcError */
  async check(options: CallOptions = {}): Promise<void> {
    const codec = services.method('grpc.Health', 'Check');
    await this.#call('grpc.Health', 'Check', codec.request.encode({}), codec.response, {
      timeoutMs: 30_000,
      ...options,
    });
  }

  /** Calls any method with an encoded request. `codec` reads the answer. @throws RpcError */
  async callEncoded(
    service: string,
    method: string,
    request: Uint8Array,
    codec: MessageCodec<object>,
    options: CallOptions = {},
  ): Promise<object> {
    return await this.#call(service, method, request, codec, options);
  }

  async #call<T extends object>(
    service: string,
    method: string,
    payload: Uint8Array,
    codec: MessageCodec<T>,
    options: CallOptions,
  ): Promise<T> {
    const {
      signal,
      graceMs = DEFAULT_GRACE_MS,
      timeoutMs = WAITING_METHODS.has(method) ? Infinity : DEFAULT_TIMEOUT_MS,
    } = options;
    signal?.throwIfAborted();
    const hasDeadline = timeoutMs + graceMs <= MAX_TIMER_MS;
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const streamId = this.#connection.call(
          {
            service,
            method,
            payload,
            codec,
            ...(hasDeadline ? { timeoutNano: BigInt(Math.ceil(timeoutMs * NANOS_PER_MS)) } : {}),
            metadata: options.metadata ?? [],
          },
          { response: resolve, error: reject },
        );
        const cancel = (code: number, reason: string): void =>
          this.#connection.cancel(streamId, new TtrpcError(code, reason, 'local'));
        if (hasDeadline) {
          const expire = (): void => cancel(DEADLINE_EXCEEDED, `no answer in ${timeoutMs} ms`);
          timer = setTimeout(expire, timeoutMs + graceMs);
        }
        onAbort = () => cancel(CANCELLED, 'aborted');
        signal?.addEventListener('abort', onAbort);
        this.#flush();
      });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (!(error instanceof TtrpcError)) throw error;
      throw new RpcError(rpcCode(error.code), method, describeStatus(error));
    } finally {
      clearTimeout(timer);
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Writes what the connection has ready, until the stream asks for a pause. */
  #flush(): void {
    while (!this.#isWaitingForDrain) {
      const bytes = this.#connection.output(WRITE_BYTES);
      if (bytes === undefined) return;
      this.#isWaitingForDrain = !this.#stream.write(bytes);
      this.#connection.wrote(bytes.length);
    }
  }

  /** Ends the connection; calls in flight fail with `unavailable`. */
  close(): void {
    this.#connection.fail(connectionLost('connection closed by us'));
    this.#stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await Promise.resolve();
  }
}
