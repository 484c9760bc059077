import { decodeBytes } from '../../base/text.ts';
import { littleEndian } from '../byte-order.ts';
import { layouts } from '../layouts.ts';

/** One name of a directory; `type` is DT_*, `DT_UNKNOWN` where the file system does not say. */
export interface DirectoryEntry {
  readonly name: string;
  readonly type: number;
  readonly ino: bigint;
}

const at = layouts.linux_dirent64;

/** Entries in one reply of getdents64(2), without `.` and `..`. */
export function readDirectoryEntries(reply: Uint8Array): DirectoryEntry[] {
  const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  const entries: DirectoryEntry[] = [];
  for (let offset = 0; offset + at.d_name < reply.length;) {
    const length = view.getUint16(offset + at.d_reclen, littleEndian);
    if (length <= at.d_name) break;
    const nameStart = offset + at.d_name;
    const nul = reply.indexOf(0, nameStart);
    const name = decodeBytes(reply.subarray(nameStart, nul < 0 ? offset + length : nul));
    if (name !== '.' && name !== '..')
      entries.push({
        name,
        type: view.getUint8(offset + at.d_type),
        ino: view.getBigUint64(offset + at.d_ino, littleEndian),
      });
    offset += length;
  }
  return entries;
}
