/** POSIX access lists as the kernel takes and gives them in extended attributes (linux/posix_acl_xattr.h): little endian. */

const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;

/** One entry. All numbers are unsigned. */
export interface AccessEntry {
  /** What kind of entry it is (ACL_USER_OBJ and so on), 16 bits. */
  readonly tag: number;
  /** 4 to read, 2 to write, 1 to execute; 16 bits. */
  readonly permissions: number;
  /** Of the user or group that it names, else NO_ACCESS_ID. */
  readonly id: number;
}

/** The number of an entry that names nobody (ACL_UNDEFINED_ID). */
export const NO_ACCESS_ID = 0xffff_ffff;

/** The value of `system.posix_acl_access` or `_default`. The kernel wants the entries sorted by kind and number. */
export function encodeAccessList(entries: readonly AccessEntry[]): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + entries.length * ENTRY_BYTES);
  bytes.writeUInt32LE(VERSION, 0);
  for (const [index, { tag, permissions, id }] of entries.entries()) {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(permissions, at + 2);
    bytes.writeUInt32LE(id, at + 4);
  }
  return new Uint8Array(bytes);
}

/** The entries of such a value in its order; undefined when it is no list. Kinds and rights are not judged. */
export function decodeAccessList(value: Uint8Array): AccessEntry[] | undefined {
  const list = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const count = (list.length - HEADER_BYTES) / ENTRY_BYTES;
  if (list.length < HEADER_BYTES || !Number.isInteger(count) || list.readUInt32LE(0) !== VERSION) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    return { tag: list.readUInt16LE(at), permissions: list.readUInt16LE(at + 2), id: list.readUInt32LE(at + 4) };
  });
}
