import { encodeSpan, type SpanData, type SpanTime } from '../../codec/trace/span-data.ts';
import { parseTraceContext, type TraceContext } from '../../codec/trace/trace-context.ts';
import { spanName } from '../../codec/trace/span-name.ts';
import { describeRequest } from './describe-request.ts';
import type { RequestSpan, RequestTracer } from './request-tracer.ts';

/** Name of the span that covers the agent's life. */
const ROOT_NAME = 'root-span';
/** Upstream's value of `mod`, by which dashboards find the requests. */
const REQUEST_MODULE = 'rpc.rs';
/** Longest text of a failure. */
const MAX_MESSAGE = 512;

export interface TracerOptions {
  /** Wall-clock time. */
  readonly now: () => SpanTime;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Takes a finished span; never waits. */
  readonly export: (frame: Uint8Array) => void;
}

type Parent = Pick<TraceContext, 'traceId' | 'spanId' | 'isSampled' | 'traceState'>;

/** Spans of the agent: one from its start to its end, and one for each request. */
export class Tracer implements RequestTracer {
  readonly #options: TracerOptions;
  readonly #root: Parent;
  readonly #start: SpanTime;
  #hasEnded = false;

  constructor(options: TracerOptions) {
    this.#options = options;
    this.#start = options.now();
    this.#root = { traceId: this.#newId(16), spanId: this.#newId(8), isSampled: true, traceState: undefined };
  }

  begin(method: string, request: object, metadata: (key: string) => readonly string[]): RequestSpan | undefined {
    const name = spanName(method);
    if (name === undefined) return undefined;
    // Several values of one key count as one, joined.
    const header = (key: string): string => metadata(key).join(',');
    const parent = parseTraceContext(header('traceparent'), header('tracestate')) ?? this.#root;
    // The caller decides what is recorded of its trace.
    if (!parent.isSampled) return undefined;
    const start = this.#options.now();
    const req = describeRequest(method, request);
    let isOpen = true;
    return {
      end: (failure) => {
        if (!isOpen) return;
        isOpen = false;
        this.#export(parent, this.#newId(8), {
          parentSpanId: parent.spanId,
          name,
          start,
          attributes: [
            ['mod', REQUEST_MODULE],
            ['req', req],
          ],
          status: failure === undefined ? 'Unset' : 'Error',
          statusMessage: failure?.slice(0, MAX_MESSAGE) ?? '',
        });
      },
    };
  }

  /** Ends the root span. Spans of requests that go on are lost. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#export(this.#root, this.#root.spanId, {
      parentSpanId: 0n,
      name: ROOT_NAME,
      start: this.#start,
      attributes: [],
      status: 'Unset',
      statusMessage: '',
    });
  }

  #export(
    { traceId, isSampled, traceState }: Parent,
    spanId: bigint,
    span: Pick<SpanData, 'parentSpanId' | 'name' | 'start' | 'attributes' | 'status' | 'statusMessage'>,
  ): void {
    const now = this.#options.now();
    // Somebody may have set the clock back meanwhile.
    const end = isBefore(now, span.start) ? span.start : now;
    this.#options.export(encodeSpan({ ...span, traceId, spanId, isSampled, traceState, end }));
  }

  /** A random number of that many bytes, never 0. */
  #newId(length: number): bigint {
    let id = 0n;
    while (id === 0n) for (const byte of this.#options.randomBytes(length)) id = (id << 8n) | BigInt(byte);
    return id;
  }
}

function isBefore(a: SpanTime, b: SpanTime): boolean {
  return a.sec < b.sec || (a.sec === b.sec && a.nsec < b.nsec);
}
