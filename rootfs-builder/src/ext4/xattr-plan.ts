/**
 * What ext4 needs for the extended attributes of a tree (kernel, filesystems/ext4/attributes.rst). Those of an inode share what
 * is left of the inode and one block; with the feature `ea_inode` (Linux 4.13) values that have no room there get inodes of their own.
 */
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { Xattrs } from '../tree/entry.ts';
import type { Inode } from '../tree/inodes.ts';

const BLOCK_BYTES = 4096;
/** Less the block's header and the word that ends its entries. */
const BLOCK_ROOM_BYTES = BLOCK_BYTES - 32 - 4;
/** An inode of 256 bytes, less 128 of the old fields, 32 of the newer ones, a magic number and the last word. */
const INODE_ROOM_BYTES = 256 - 128 - 32 - 8;
/** Each entry has this before its name. */
const ENTRY_BYTES = 16;
/** Longer ones never stand beside their entry (EXT4_XATTR_MIN_LARGE_EA_SIZE). */
const MAX_INNER_BYTES = BLOCK_ROOM_BYTES - ENTRY_BYTES - 4;
/** `ea_set -f` of debugfs(8) reads a block of the file with the value, and leaves out the rest without a word. */
const MAX_VALUE_BYTES = BLOCK_BYTES;
/** Beginnings of names that are stored as a number (ext4_xattr_handler_map). The ACLs are whole names. */
const PREFIXES = ['user.', 'trusted.', 'security.', 'system.posix_acl_access', 'system.posix_acl_default', 'system.'];

type Attribute = readonly [name: string, value: Uint8Array];

/** What the file system needs beside its inodes. */
export interface XattrPlan {
  /** Whether some inode has more than a block holds. */
  readonly hasValueInodes: boolean;
  /** At most this many inodes are for values. */
  readonly valueInodes: number;
}

/** Looks at all attributes. Throws BuildError that names file and attribute for what cannot be written. */
export function planXattrs(inodes: Iterable<Inode>): XattrPlan {
  let valueInodes = 0;
  for (const { entry } of inodes) {
    const { path, xattrs } = entry;
    if (xattrs === undefined || fits(xattrs)) continue;
    writingOrder(path, xattrs);
    valueInodes += xattrs.size;
  }
  return { hasValueInodes: valueInodes > 0, valueInodes };
}

/**
 * The order in which attributes are set. libext2fs puts each value where it fits at that moment, so that a later one may find no
 * room even for its entry: where the order of names will not do, another is looked for. Throws BuildError when there is none.
 */
export function writingOrder(path: string, xattrs: Xattrs): readonly Attribute[] {
  const byName = [...xattrs].sort(([left], [right]) => (left < right ? -1 : 1));
  if (fits(xattrs)) return byName;
  for (const [name, value] of byName) {
    if (value.length > MAX_VALUE_BYTES)
      throw new BuildError(
        `ext4: ${path}: extended attribute ${name} of ${value.length} bytes; debugfs writes ${MAX_VALUE_BYTES} at most, erofs holds more`,
      );
  }
  const bySize = byName.toSorted(([, left], [, right]) => left.length - right.length);
  for (const order of [bySize, bySize.toReversed()]) {
    for (let first = 0; first < order.length; first++) {
      const turned = [...order.slice(first), ...order.slice(0, first)];
      if (findsRoom(turned)) return turned;
    }
  }
  const bytes = byName.reduce((sum, [, { length }]) => sum + length, 0);
  throw new BuildError(
    `ext4: ${path}: ${byName.length} extended attributes with names of ${namesBytes(byName)} and values of ${bytes} bytes; there is room for ${BLOCK_ROOM_BYTES} bytes of names, erofs holds more`,
  );
}

/** Does as ext2fs_xattr_set() does, one attribute after the other. */
function findsRoom(order: readonly Attribute[]): boolean {
  let inode = INODE_ROOM_BYTES;
  let block = BLOCK_ROOM_BYTES;
  for (const [name, { length }] of order) {
    const entry = entryBytes(name);
    const sizes = length > MAX_INNER_BYTES ? [entry] : [entry + padded(length), entry];
    const size = sizes.find((each) => each <= inode || each <= block);
    if (size === undefined) return false;
    if (size <= inode) inode -= size;
    else block -= size;
  }
  return true;
}

/** Whether a block holds all, whatever the order. */
function fits(xattrs: Xattrs): boolean {
  const values = [...xattrs.values()].reduce((sum, { length }) => sum + padded(length), 0);
  return namesBytes([...xattrs]) + values <= BLOCK_ROOM_BYTES;
}

function namesBytes(xattrs: readonly Attribute[]): number {
  return xattrs.reduce((sum, [name]) => sum + entryBytes(name), 0);
}

function entryBytes(name: string): number {
  const prefix = PREFIXES.find((each) => name.startsWith(each)) ?? '';
  return ENTRY_BYTES + padded(encodeBytes(name.slice(prefix.length)).length);
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
