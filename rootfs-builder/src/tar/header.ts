/**
 * The 512-byte record header of a tar archive: POSIX ustar, and the pax extended header (POSIX.1-2017, pax) for what does
 * not fit it. Names and attribute values are bytes here, as Linux has them: a library that takes text would change names
 * that are not UTF-8, and capabilities.
 */
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';

export const BLOCK_BYTES = 512;

/** The type flags of POSIX. */
export const TYPE_FLAGS = {
  file: '0',
  link: '1',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
  pax: 'x',
} as const;

/** What one header says. */
export interface TarHeader {
  readonly name: Uint8Array;
  readonly type: keyof typeof TYPE_FLAGS;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly linkName?: Uint8Array;
  readonly major?: number;
  readonly minor?: number;
}

/** [offset, length] of a field. Numbers are octal digits and a NUL. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  devMajor: [329, 8],
  devMinor: [337, 8],
} as const;

/** Longest name and link name of a plain header. */
export const MAX_NAME_BYTES = 100;
/** Largest number of a field with seven octal digits (owners, devices) and with eleven (size). */
export const MAX_OWNER = 0o7777777;
export const MAX_SIZE = 0o77777777777;

/** Encodes one header. What does not fit must be in a pax header before it and is cut here. */
export function encodeTarHeader(header: TarHeader): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const put = ([offset, length]: readonly [number, number], value: Uint8Array): void =>
    bytes.set(value.subarray(0, length), offset);
  const number = (field: readonly [number, number], value: number): void => {
    const digits = field[1] - 1;
    put(field, encodeBytes(value.toString(8).padStart(digits, '0').slice(-digits)));
  };
  put(FIELDS.name, header.name);
  number(FIELDS.mode, header.mode);
  number(FIELDS.uid, header.uid <= MAX_OWNER ? header.uid : 0);
  number(FIELDS.gid, header.gid <= MAX_OWNER ? header.gid : 0);
  number(FIELDS.size, header.sizeBytes <= MAX_SIZE ? header.sizeBytes : 0);
  number(FIELDS.mtime, header.mtime);
  put(FIELDS.type, encodeBytes(TYPE_FLAGS[header.type]));
  if (header.linkName !== undefined) put(FIELDS.linkName, header.linkName);
  put(FIELDS.magic, encodeBytes('ustar\x0000'));
  for (const [field, value] of [
    [FIELDS.devMajor, header.major ?? 0],
    [FIELDS.devMinor, header.minor ?? 0],
  ] as const) {
    if (value > MAX_OWNER) throw new BuildError(`tar: device number ${value} does not fit the archive`);
    number(field, value);
  }
  // The checksum counts its own field as spaces; six digits, NUL, space is how everybody writes it.
  put(FIELDS.checksum, encodeBytes(' '.repeat(8)));
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(FIELDS.checksum, encodeBytes(`${sum.toString(8).padStart(6, '0')}\0 `));
  return bytes;
}

/** One pax record: its own length in decimal, a space, key=value, newline. */
export function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const body = Buffer.concat([encodeBytes(` ${key}=`), value, encodeBytes('\n')]);
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([encodeBytes(String(length)), body]);
}

/** Zeros that fill up the last record of `length` bytes. */
export function tarPadding(length: number): Uint8Array {
  return new Uint8Array(-length & (BLOCK_BYTES - 1));
}
