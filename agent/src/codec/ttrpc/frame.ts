/**
 * The ttrpc frame: a header of ten bytes, big-endian, then data
 * (https://github.com/containerd/ttrpc/blob/main/PROTOCOL.md).
 *
 * `length u32 | stream id u32 | type u8 | flags u8`
 */
export const FRAME_HEADER_SIZE = 10;

/** Most bytes after a header, this number included (upstream's `4 << 20`). */
export const MAX_FRAME_LENGTH = 4 << 20;

export const FRAME_REQUEST = 1;
export const FRAME_RESPONSE = 2;
export const FRAME_DATA = 3;

/** The sender will send no more on this stream. */
export const FLAG_REMOTE_CLOSED = 1;

export interface FrameHeader {
  /** Bytes of data after the header. */
  readonly length: number;
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
}

function readUint32(bytes: Uint8Array, offset: number): number {
  return (
    (((bytes[offset] ?? 0) << 24) |
      ((bytes[offset + 1] ?? 0) << 16) |
      ((bytes[offset + 2] ?? 0) << 8) |
      (bytes[offset + 3] ?? 0)) >>>
    0
  );
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Reads a header; the caller has checked that ten bytes are there. */
export function decodeFrameHeader(bytes: Uint8Array, offset = 0): FrameHeader {
  return {
    length: readUint32(bytes, offset),
    streamId: readUint32(bytes, offset + 4),
    type: bytes[offset + 8] ?? 0,
    flags: bytes[offset + 9] ?? 0,
  };
}

/** Writes a header in place. */
export function encodeFrameHeader(
  bytes: Uint8Array,
  offset: number,
  length: number,
  streamId: number,
  type: number,
  flags = 0,
): void {
  writeUint32(bytes, offset, length);
  writeUint32(bytes, offset + 4, streamId);
  bytes[offset + 8] = type;
  bytes[offset + 9] = flags;
}

/** The text that upstream answers for a message above the limit. */
export function oversizeText(length: number): string {
  return `message length ${length} exceed maximum message size of ${MAX_FRAME_LENGTH}`;
}
