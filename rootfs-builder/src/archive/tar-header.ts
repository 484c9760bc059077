import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';

/** Size of a tar block, and of a header. */
export const BLOCK_BYTES = 512;

/** One header block as it stands, before extended headers change it. */
export interface RawTarHeader {
  readonly name: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtime: number;
  /** The type flag as a character; NUL of old archives is "0". */
  readonly type: string;
  readonly linkName: Uint8Array;
  readonly major: number;
  readonly minor: number;
  /** Whether GNU tar's own fields stand where POSIX has the prefix of the name. */
  readonly isGnu: boolean;
}

/** True for a block of zeros, two of which end an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/**
 * Reads a header of ustar, GNU tar or the seventh edition (POSIX pax(1), tar(5) of libarchive). Throws BuildError when the
 * checksum is wrong or a field is no number.
 */
export function parseTarHeader(block: Uint8Array): RawTarHeader {
  const stored = tarNumber(block, 148, 8, 'checksum');
  let unsigned = 0;
  let signed = 0; // what some old programs computed
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  if (stored !== unsigned && stored !== signed) throw new BuildError('tar: a header has a wrong checksum');
  const magic = decodeBytes(block.subarray(257, 263));
  const isPosix = magic === 'ustar\0';
  const isGnu = magic === 'ustar ';
  const isTyped = isPosix || isGnu;
  const prefix = isPosix ? textOf(block, 345, 155) : new Uint8Array(0);
  const name = textOf(block, 0, 100);
  const type = String.fromCharCode(block[156] ?? 0);
  return {
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]),
    mode: tarNumber(block, 100, 8, 'mode') & 0o7777,
    uid: tarNumber(block, 108, 8, 'uid'),
    gid: tarNumber(block, 116, 8, 'gid'),
    sizeBytes: tarNumber(block, 124, 12, 'size'),
    mtime: tarNumber(block, 136, 12, 'time', true),
    type: type === '\0' ? '0' : type,
    linkName: textOf(block, 157, 100),
    major: isTyped ? tarNumber(block, 329, 8, 'device') : 0,
    minor: isTyped ? tarNumber(block, 337, 8, 'device') : 0,
    isGnu,
  };
}

/** Bytes of a field up to its NUL. */
function textOf(block: Uint8Array, start: number, length: number): Uint8Array {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

/** A header's number: in octal with blanks and NULs around it, or in base 256 (GNU), whose first bit is set. */
export function tarNumber(
  block: Uint8Array,
  start: number,
  length: number,
  what: string,
  mayBeNegative = false,
): number {
  const field = block.subarray(start, start + length);
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) return base256(field, what, mayBeNegative);
  const text = decodeBytes(field).replace(/^[ \0]+|[ \0]+$/g, '');
  // After a NUL may stand anything that an old program left there.
  const digits = text.split(/[\0 ]/)[0] ?? '';
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw new BuildError(`tar: a header's ${what} is not a number`);
  return Number.parseInt(digits, 8);
}

function base256(field: Uint8Array, what: string, mayBeNegative: boolean): number {
  let value = BigInt((field[0] ?? 0) & 0x7f);
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  if (((field[0] ?? 0) & 0x40) !== 0) value -= 1n << BigInt(field.length * 8 - 1);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < (mayBeNegative ? -BigInt(Number.MAX_SAFE_INTEGER) : 0n))
    throw new BuildError(`tar: a header's ${what} is out of range`);
  return Number(value);
}
