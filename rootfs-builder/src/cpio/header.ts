/**
 * The record header of the "newc" cpio format, the one the kernel unpacks as initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst): the magic 070701, thirteen fields of eight hexadecimal
 * digits, the name with its NUL, zeros to a multiple of four, the data, zeros to a multiple of four.
 */
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';

/** What one record says about a file. Numbers are unsigned 32 bits. */
export interface CpioHeader {
  /** Path without a leading slash; "." is the root itself. Not-UTF-8 bytes as `decodeBytes` maps them. */
  readonly name: string;
  readonly ino: number;
  /** File type and permission bits, as in stat(2). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly sizeBytes: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
}

/** Bytes of a header before its name. */
export const HEADER_BYTES = 110;
/** The record that ends an archive. */
export const TRAILER_NAME = 'TRAILER!!!';
/** PATH_MAX with the NUL; the kernel silently drops a record with a longer name (init/initramfs.c). */
export const MAX_NAME_BYTES = 4096;

const MAGIC = '070701';
const MAX_FIELD = 0xffff_ffff;

/** Zeros needed after `length` bytes to reach a multiple of four. */
export function paddingAfter(length: number): number {
  return -length & 3;
}

/** Header, name and their padding. Throws BuildError when a number does not fit its field. */
export function encodeHeader(header: CpioHeader): Uint8Array {
  const name = encodeBytes(header.name);
  if (name.length + 1 > MAX_NAME_BYTES || name.length === 0 || name.includes(0)) {
    throw new BuildError(`cpio name ${JSON.stringify(header.name.slice(0, 80))}: must have 1 to 4095 bytes and no NUL`);
  }
  const fields = [
    ['ino', header.ino],
    ['mode', header.mode],
    ['uid', header.uid],
    ['gid', header.gid],
    ['nlink', header.nlink],
    ['mtime', header.mtime],
    ['size', header.sizeBytes],
    ['devmajor', 0], // the device the tree was on says something about the building host and nothing about the files
    ['devminor', 0],
    ['rdevmajor', header.rdevMajor],
    ['rdevminor', header.rdevMinor],
    ['namesize', name.length + 1],
    ['check', 0],
  ] as const;
  let text = MAGIC;
  for (const [field, value] of fields) {
    if (!Number.isInteger(value) || value < 0 || value > MAX_FIELD) {
      throw new BuildError(`cpio record ${JSON.stringify(header.name)}: ${field} ${value} does not fit 32 bits`);
    }
    text += value.toString(16).padStart(8, '0');
  }
  const length = HEADER_BYTES + name.length + 1;
  const bytes = new Uint8Array(length + paddingAfter(length));
  bytes.set(encodeBytes(text));
  bytes.set(name, HEADER_BYTES);
  return bytes;
}

/** A header as read: the name follows later in the archive. */
export type RawHeader = Omit<CpioHeader, 'name'> & { readonly nameBytes: number; readonly device: string };

/** Decodes the first HEADER_BYTES of a record; `offset` is only for the message. Throws BuildError when they are not one. */
export function decodeHeader(bytes: Uint8Array, offset: number): RawHeader {
  const text = decodeBytes(bytes.subarray(0, HEADER_BYTES));
  // 070702 is the same format with a checksum of the data, which readers are free to ignore.
  if (!/^07070[12](?:[0-9a-fA-F]{8}){13}$/.test(text)) {
    throw new BuildError(`cpio archive: no newc header at byte ${offset}`);
  }
  const field = (index: number): number => Number.parseInt(text.slice(6 + index * 8, 14 + index * 8), 16);
  const nameBytes = field(11);
  if (nameBytes < 2 || nameBytes > MAX_NAME_BYTES) {
    throw new BuildError(`cpio archive: name of ${nameBytes} bytes at byte ${offset}`);
  }
  return {
    ino: field(0),
    mode: field(1),
    uid: field(2),
    gid: field(3),
    nlink: field(4),
    mtime: field(5),
    sizeBytes: field(6),
    device: `${field(7)}:${field(8)}`,
    rdevMajor: field(9),
    rdevMinor: field(10),
    nameBytes,
  };
}
