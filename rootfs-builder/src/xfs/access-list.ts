import { BuildError } from '../build-error.ts';

/** linux/posix_acl_xattr.h: a version, then entries of kind, rights and number. */
const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;
const DISK_ENTRY_BYTES = 12;

/**
 * An access list as XFS has it on the disk (fs/xfs/libxfs/xfs_format.h, struct xfs_acl): a count, then entries of kind, number and
 * rights, all big endian. Throws BuildError when the attribute is no list.
 */
export function accessListOnDisk(path: string, name: string, value: Uint8Array): Uint8Array {
  const list = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const count = (list.length - HEADER_BYTES) / ENTRY_BYTES;
  if (list.length < HEADER_BYTES || !Number.isInteger(count) || list.readUInt32LE(0) !== VERSION)
    throw new BuildError(`xfs: ${path}: extended attribute ${name}: is no access list`);
  const stored = Buffer.alloc(HEADER_BYTES + count * DISK_ENTRY_BYTES);
  stored.writeUInt32BE(count, 0);
  for (let index = 0; index < count; index++) {
    const from = HEADER_BYTES + index * ENTRY_BYTES;
    const to = HEADER_BYTES + index * DISK_ENTRY_BYTES;
    stored.writeUInt32BE(list.readUInt16LE(from), to);
    stored.writeUInt32BE(list.readUInt32LE(from + 4), to + 4);
    stored.writeUInt16BE(list.readUInt16LE(from + 2), to + 8);
  }
  return new Uint8Array(stored);
}
