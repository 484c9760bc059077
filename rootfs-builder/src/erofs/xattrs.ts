/**
 * Extended attributes of EROFS: after the inode a header of 12 bytes, numbers of shared attributes, then attributes of its
 * own. Attributes that several inodes have (an SELinux label) stand once in the shared area.
 */
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { Xattrs } from '../tree/entry.ts';

export const XATTR_HEADER_BYTES = 12;
/** The header counts shared attributes in one byte. */
const MAX_SHARED = 255;
/** Inodes count the area in units of 4 bytes with 16 bits. */
const MAX_AREA_BYTES = 0xfffe * 4;

/** Numbers that stand for the beginnings of names. The ACLs are whole names. */
const PREFIXES = [
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['user.', 1],
  ['trusted.', 4],
  ['security.', 6],
] as const;

/** One attribute as it is stored: lengths, number of the prefix, rest of the name, value, padded to 4 bytes. */
export function encodeXattr(path: string, name: string, value: Uint8Array): Uint8Array {
  const found = PREFIXES.find(([prefix]) => (prefix.endsWith('.') ? name.startsWith(prefix) : name === prefix));
  if (found === undefined) throw new BuildError(`erofs: ${path}: extended attribute ${name}: cannot be stored`);
  const [prefix, index] = found;
  const rest = encodeBytes(name.slice(prefix.length));
  if (value.length > 0xffff)
    throw new BuildError(`erofs: ${path}: extended attribute ${name}: its value is longer than 65535 bytes`);
  const bytes = Buffer.alloc((4 + rest.length + value.length + 3) & ~3);
  bytes.writeUInt8(rest.length, 0);
  bytes.writeUInt8(index, 1);
  bytes.writeUInt16LE(value.length, 2);
  bytes.set(rest, 4);
  bytes.set(value, 4 + rest.length);
  return bytes;
}

/** Finds the attributes that go into the shared area, and makes the areas of the inodes. */
export class XattrTable {
  readonly #uses = new Map<string, number>();
  readonly #shared = new Map<string, number>();
  readonly #area: Uint8Array[] = [];
  #areaBytes = 0;

  /** Counts the attributes of one inode; call it for all of them before `areaOf`. */
  count(path: string, xattrs: Xattrs): void {
    for (const entry of entriesOf(path, xattrs)) {
      const key = keyOf(entry);
      this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    }
  }

  /** What stands after the inode. Throws BuildError when it does not fit. */
  areaOf(path: string, xattrs: Xattrs | undefined): Uint8Array {
    if (xattrs === undefined || xattrs.size === 0) return new Uint8Array(0);
    const ids: number[] = [];
    const own: Uint8Array[] = [];
    for (const entry of entriesOf(path, xattrs)) {
      if ((this.#uses.get(keyOf(entry)) ?? 0) > 1 && ids.length < MAX_SHARED) ids.push(this.#share(entry));
      else own.push(entry);
    }
    const header = Buffer.alloc(XATTR_HEADER_BYTES + ids.length * 4);
    header.writeUInt8(ids.length, 4);
    for (const [index, id] of ids.entries()) header.writeUInt32LE(id, XATTR_HEADER_BYTES + index * 4);
    const area = Buffer.concat([header, ...own]);
    if (area.length > MAX_AREA_BYTES)
      throw new BuildError(`erofs: ${path}: extended attributes of ${area.length} bytes do not fit an inode`);
    return area;
  }

  /** The shared area. */
  get shared(): Uint8Array {
    return Buffer.concat(this.#area);
  }

  #share(entry: Uint8Array): number {
    const key = keyOf(entry);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const id = this.#areaBytes / 4;
    this.#shared.set(key, id);
    this.#area.push(entry);
    this.#areaBytes += entry.length;
    return id;
  }
}

function entriesOf(path: string, xattrs: Xattrs): Uint8Array[] {
  return [...xattrs]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => encodeXattr(path, name, value));
}

function keyOf(entry: Uint8Array): string {
  return Buffer.from(entry).toString('latin1');
}

/** Reads the area of an inode; `sharedAt` is where the shared area begins. Throws BuildError when it is damaged. */
export function decodeXattrs(
  image: Uint8Array,
  offset: number,
  lengthBytes: number,
  sharedAt: number,
): Map<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  if (lengthBytes === 0) return xattrs;
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  const end = offset + lengthBytes;
  if (end > bytes.length) throw new BuildError('erofs: extended attributes beyond the image');
  const sharedCount = bytes.readUInt8(offset + 4);
  let at = offset + XATTR_HEADER_BYTES + sharedCount * 4;
  if (at > end) throw new BuildError('erofs: extended attributes beyond their area');
  for (let index = 0; index < sharedCount; index++) {
    const id = bytes.readUInt32LE(offset + XATTR_HEADER_BYTES + index * 4);
    readEntry(bytes, sharedAt + id * 4, bytes.length, xattrs);
  }
  while (at < end) at += readEntry(bytes, at, end, xattrs);
  return xattrs;
}

function readEntry(bytes: Buffer, at: number, end: number, into: Map<string, Uint8Array>): number {
  if (at + 4 > end) throw new BuildError('erofs: an extended attribute beyond its area');
  const nameBytes = bytes.readUInt8(at);
  const index = bytes.readUInt8(at + 1);
  const valueAt = at + 4 + nameBytes;
  const valueBytes = bytes.readUInt16LE(at + 2);
  const prefix = PREFIXES.find(([, number]) => number === index)?.[0];
  if (valueAt + valueBytes > end || prefix === undefined)
    throw new BuildError('erofs: an extended attribute beyond its area, or of an unknown kind');
  const name = prefix + decodeBytes(bytes.subarray(at + 4, valueAt));
  into.set(name, new Uint8Array(bytes.subarray(valueAt, valueAt + valueBytes)));
  return (4 + nameBytes + valueBytes + 3) & ~3;
}
