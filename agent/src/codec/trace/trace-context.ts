/** The trace context that a caller sends along: W3C Trace Context, `traceparent` and `tracestate` (boot contract, 6.2). */

export interface TraceContext {
  /** 128 bits, never 0. */
  readonly traceId: bigint;
  /** 64 bits, never 0: the caller's span. */
  readonly spanId: bigint;
  readonly isSampled: boolean;
  /** Pairs of `tracestate`, in order; undefined when there are none. */
  readonly traceState: readonly (readonly [key: string, value: string])[] | undefined;
}

/** `VERSION-TRACEID-SPANID-FLAGS`; later versions may add parts. */
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[^\s]{0,256})?$/;
/** Flags above this one are not known to version 0. */
const MAX_FLAGS_VERSION_0 = 2;
/** The version that no sender may use. */
const FORBIDDEN_VERSION = 0xff;

/** W3C's limits for what has to be passed on; a longer list is left out as a whole. */
const MAX_STATE_ENTRIES = 32;
const MAX_STATE_CHARACTERS = 512;

/** The context of these header values; undefined when there is none that can be used. */
export function parseTraceContext(parent: string, state: string): TraceContext | undefined {
  const match = PARENT.exec(parent.trim());
  if (match === null) return undefined;
  const [, version = '', trace = '', span = '', flagText = '', more] = match;
  const flags = Number.parseInt(flagText, 16);
  const versionNumber = Number.parseInt(version, 16);
  if (versionNumber === FORBIDDEN_VERSION) return undefined;
  if (versionNumber === 0 && (more !== undefined || flags > MAX_FLAGS_VERSION_0)) return undefined;
  const traceId = BigInt(`0x${trace}`);
  const spanId = BigInt(`0x${span}`);
  if (traceId === 0n || spanId === 0n) return undefined;
  return { traceId, spanId, isSampled: (flags & 1) === 1, traceState: parseTraceState(state) };
}

/** A list with one bad entry says nothing about the others' order, so it is dropped whole. */
function parseTraceState(text: string): TraceContext['traceState'] {
  if (text.trim() === '' || text.length > MAX_STATE_CHARACTERS) return undefined;
  const pairs: (readonly [string, string])[] = [];
  for (const entry of text.split(',')) {
    const trimmed = entry.trim();
    if (trimmed === '') continue;
    const equals = trimmed.indexOf('=');
    if (equals <= 0 || !/^[\x20-\x7e]+$/.test(trimmed)) return undefined;
    pairs.push([trimmed.slice(0, equals), trimmed.slice(equals + 1)]);
  }
  return pairs.length === 0 || pairs.length > MAX_STATE_ENTRIES ? undefined : pairs;
}
