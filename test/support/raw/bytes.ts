/**
 * Frames and messages written by hand from the specifications of ttrpc and protobuf, without the code under test: what a test sends
 * wrong here is wrong on purpose.
 */

/** Bytes in a row; a number is one byte, text is UTF-8. */
export function bytes(...parts: readonly (number | string | Uint8Array | readonly number[])[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));
}

/** A frame header: length, stream id, type, flags; big-endian. */
export function header(length: number, streamId: number, type: number, flags = 0): Buffer {
  const buffer = Buffer.alloc(10);
  buffer.writeUInt32BE(length >>> 0, 0);
  buffer.writeUInt32BE(streamId >>> 0, 4);
  buffer[8] = type;
  buffer[9] = flags;
  return buffer;
}

/** A whole frame. */
export function frame(streamId: number, type: number, body: Uint8Array, flags = 0): Buffer {
  return Buffer.concat([header(body.length, streamId, type, flags), body]);
}

/** A base-128 varint of a number up to 64 bits; negative ones as their two's complement. */
export function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Buffer.from(out);
}

/** A field's tag. */
export function tag(field: number, wireType: number): Buffer {
  return varint((BigInt(field) << 3n) | BigInt(wireType));
}

/** A length-delimited field: text, bytes or a message. */
export function chunk(field: number, content: string | Uint8Array): Buffer {
  const body = Buffer.from(content);
  return Buffer.concat([tag(field, 2), varint(body.length), body]);
}

/** A varint field. */
export function number(field: number, value: number | bigint): Buffer {
  return Buffer.concat([tag(field, 0), varint(value)]);
}

/** The envelope of a request (contract, 1.2): service 1, method 2, payload 3, timeout_nano 4, metadata 5. */
export function requestBody(options: {
  readonly service?: string | Uint8Array;
  readonly method?: string | Uint8Array;
  readonly payload?: Uint8Array;
  readonly timeoutNano?: number | bigint;
  readonly metadata?: readonly (readonly [string, string])[];
}): Buffer {
  return Buffer.concat([
    chunk(1, options.service ?? 'grpc.Health'),
    chunk(2, options.method ?? 'Check'),
    ...(options.payload === undefined ? [] : [chunk(3, options.payload)]),
    ...(options.timeoutNano === undefined ? [] : [number(4, options.timeoutNano)]),
    ...(options.metadata ?? []).map(([key, value]) => chunk(5, Buffer.concat([chunk(1, key), chunk(2, value)]))),
  ]);
}

/** A request frame of a method of the agent's service. */
export function agentCall(streamId: number, method: string, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  return frame(streamId, 1, requestBody({ service: 'grpc.AgentService', method, payload }));
}

/** A `grpc.Health/Check` frame. */
export function checkCall(streamId: number): Buffer {
  return frame(streamId, 1, requestBody({}));
}
