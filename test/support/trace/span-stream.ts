/** Reads what the agent sends to a collector of spans, by the form alone: nothing of the agent's encoder is used. */

/** A span as the form has it; identifiers and 64-bit integers as bigint. */
export interface ReceivedSpan {
  readonly span_context: {
    readonly trace_id: bigint;
    readonly span_id: bigint;
    readonly trace_flags: bigint;
    readonly is_remote: boolean;
    readonly trace_state: readonly (readonly [string, string])[] | null;
  };
  readonly parent_span_id: bigint;
  readonly span_kind: string;
  readonly name: string;
  readonly start_time: { readonly secs_since_epoch: bigint; readonly nanos_since_epoch: bigint };
  readonly end_time: { readonly secs_since_epoch: bigint; readonly nanos_since_epoch: bigint };
  readonly attributes: {
    readonly map: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly evict_list: readonly string[];
    readonly max_len: bigint;
    readonly dropped_count: bigint;
  };
  readonly events: unknown;
  readonly links: unknown;
  readonly status_code: string;
  readonly status_message: string;
  readonly resource: unknown;
}

/** JSON with every number as bigint: the form has integers only, and a double would lose digits. */
export function parseExact(text: string): unknown {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => {
    if (!token.startsWith('"')) {
      if (!/^-?\d+$/.test(token)) throw new Error(`${token} is no integer`);
      return `"#${token}"`;
    }
    // A string that looks like a marked number.
    return token.startsWith('"#') ? `"##${token.slice(2)}` : token;
  });
  return JSON.parse(marked, (_key, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith('#')) return value;
    return value.startsWith('##') ? value.slice(1) : BigInt(value.slice(1));
  });
}

/** Cuts a stream into spans, however its bytes arrive. */
export class SpanStream {
  readonly spans: ReceivedSpan[] = [];
  #rest = Buffer.alloc(0);

  /** Bytes of a span that has not arrived whole. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  push(chunk: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 8) {
      const length = Number(this.#rest.readBigUInt64BE(0));
      if (length > 1 << 20) throw new Error(`a span of ${length} bytes`);
      if (this.#rest.length < 8 + length) return;
      const json = new TextDecoder('utf-8', { fatal: true }).decode(this.#rest.subarray(8, 8 + length));
      this.spans.push(parseExact(json) as ReceivedSpan);
      this.#rest = this.#rest.subarray(8 + length);
    }
  }
}
