import { BuildError } from '../build-error.ts';
import { decodeAccessList } from '../tree/access-list.ts';

const HEADER_BYTES = 4;
const ENTRY_BYTES = 12;

/**
 * An access list as XFS has it on the disk (fs/xfs/libxfs/xfs_format.h, struct xfs_acl): a count, then entries of kind, number and
 * rights, all big endian. Throws BuildError when the attribute is no list.
 */
export function accessListOnDisk(path: string, name: string, value: Uint8Array): Uint8Array {
  const entries = decodeAccessList(value);
  if (entries === undefined) throw new BuildError(`xfs: ${path}: extended attribute ${name}: is no access list`);
  const stored = Buffer.alloc(HEADER_BYTES + entries.length * ENTRY_BYTES);
  stored.writeUInt32BE(entries.length, 0);
  for (const [index, { tag, permissions, id }] of entries.entries()) {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    stored.writeUInt32BE(tag, at);
    stored.writeUInt32BE(id, at + 4);
    stored.writeUInt16BE(permissions, at + 8);
  }
  return new Uint8Array(stored);
}
