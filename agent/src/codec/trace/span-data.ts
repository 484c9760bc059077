/** Spans in the form that Kata's trace forwarder takes from its vsock port: OpenTelemetry's SpanData as JSON (boot contract, 6.3). */
import { encodeBytes } from '../../base/text.ts';

/** An attribute's value; bigint for 64-bit integers. */
export type AttributeValue = string | bigint | boolean;

/** A moment of the wall clock. */
export interface SpanTime {
  readonly sec: bigint;
  readonly nsec: number;
}

export interface SpanData {
  /** 128 and 64 bits. */
  readonly traceId: bigint;
  readonly spanId: bigint;
  /** 0 for a span without parent. */
  readonly parentSpanId: bigint;
  readonly isSampled: boolean;
  readonly traceState: readonly (readonly [key: string, value: string])[] | undefined;
  readonly name: string;
  readonly start: SpanTime;
  readonly end: SpanTime;
  /** In the order in which they were added; each key once. */
  readonly attributes: readonly (readonly [key: string, value: AttributeValue])[];
  readonly status: 'Unset' | 'Ok' | 'Error';
  readonly statusMessage: string;
}

/** OpenTelemetry's default limits, which the form repeats in each span. */
const MAX_ENTRIES = 128;

/** Bytes of the length before each span. */
export const SPAN_HEADER_BYTES = 8;

const quoted = (text: string): string => JSON.stringify(text);

/** JSON has no type for 64-bit integers, and a number of ours holds 53 bits: digits go out as they are. */
function attribute(value: AttributeValue): string {
  if (typeof value === 'bigint') return `{"I64":${BigInt.asIntN(64, value)}}`;
  return typeof value === 'boolean' ? `{"Bool":${value}}` : `{"String":${quoted(value)}}`;
}

function attributes(pairs: SpanData['attributes']): string {
  const map = pairs.map(([key, value]) => `${quoted(key)}:${attribute(value)}`);
  // The one to be dropped first stands last.
  const order = pairs.map(([key]) => quoted(key)).reverse();
  return `{"map":{${map.join(',')}},"evict_list":[${order.join(',')}],"max_len":${MAX_ENTRIES},"dropped_count":0}`;
}

const time = ({ sec, nsec }: SpanTime): string => `{"secs_since_epoch":${sec},"nanos_since_epoch":${nsec}}`;

const EMPTY_QUEUE = `{"queue":null,"max_len":${MAX_ENTRIES},"dropped_count":0}`;

/** A span as text. Identifiers are decimal integers of up to 128 bits. */
export function spanJson(span: SpanData): string {
  const state = span.traceState?.map((pair) => JSON.stringify(pair));
  const context = [
    `"trace_id":${BigInt.asUintN(128, span.traceId)}`,
    `"span_id":${BigInt.asUintN(64, span.spanId)}`,
    `"trace_flags":${span.isSampled ? 1 : 0}`,
    `"is_remote":false`,
    `"trace_state":${state === undefined ? 'null' : `[${state.join(',')}]`}`,
  ];
  const fields = [
    `"span_context":{${context.join(',')}}`,
    `"parent_span_id":${BigInt.asUintN(64, span.parentSpanId)}`,
    `"span_kind":"Internal"`,
    `"name":${quoted(span.name)}`,
    `"start_time":${time(span.start)}`,
    `"end_time":${time(span.end)}`,
    `"attributes":${attributes(span.attributes)}`,
    `"events":${EMPTY_QUEUE}`,
    `"links":${EMPTY_QUEUE}`,
    `"status_code":${quoted(span.status)}`,
    `"status_message":${quoted(span.statusMessage)}`,
    `"resource":{"attrs":{"service.name":{"String":"kata-agent"}}}`,
  ];
  return `{${fields.join(',')}}`;
}

/** A span as it goes over the wire: its length in 8 bytes, big-endian, then the JSON. */
export function encodeSpan(span: SpanData): Uint8Array {
  const json = encodeBytes(spanJson(span));
  const frame = new Uint8Array(SPAN_HEADER_BYTES + json.length);
  new DataView(frame.buffer).setBigUint64(0, BigInt(json.length));
  frame.set(json, SPAN_HEADER_BYTES);
  return frame;
}
