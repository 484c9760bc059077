import { decodeUtf8, encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import { readContent } from '../tree/content.ts';
import { contentSize } from '../tree/entry.ts';
import type { Content } from '../tree/entry.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { NamedInode } from '../tree/inodes.ts';
import { BLOCK_BYTES, encodeTarHeader, MAX_NAME_BYTES, MAX_OWNER, MAX_SIZE, paxRecord, tarPadding } from './header.ts';
import type { TarHeader } from './header.ts';

/**
 * The tree as a tar archive (ustar, pax where needed), in pieces and sorted; needs no privileges. Extended attributes are
 * pax records SCHILY.xattr.NAME, which GNU tar, bsdtar and the container engines read. Holes are written as zeros.
 */
export async function* writeTar(tree: FileTree, mtime: number): AsyncGenerator<Uint8Array> {
  for (const item of namedInodes(tree)) {
    const { header, content } = describe(item, mtime);
    const pax = paxRecords(header, item);
    if (pax.length > 0) {
      const name = encodeBytes('PaxHeaders');
      yield encodeTarHeader({ name, type: 'pax', mode: 0o644, uid: 0, gid: 0, sizeBytes: pax.length, mtime: 0 });
      yield pax;
      yield tarPadding(pax.length);
    }
    yield encodeTarHeader(header);
    if (content === undefined) continue;
    yield* readContent(content);
    yield tarPadding(header.sizeBytes);
  }
  yield new Uint8Array(2 * BLOCK_BYTES);
}

function describe(item: NamedInode, time: number): { header: TarHeader; content: Content | undefined } {
  const { path, inode } = item;
  const { entry, names } = inode;
  const { mode, uid, gid, mtime = time } = entry;
  const base = { mode, uid, gid, mtime, sizeBytes: 0, name: encodeBytes(path === '.' ? './' : path) };
  const [first = path] = names;
  if (first !== path) return { header: { ...base, type: 'link', linkName: encodeBytes(first) }, content: undefined };
  switch (entry.kind) {
    case 'dir':
      return {
        header: { ...base, type: 'dir', name: encodeBytes(path === '.' ? './' : `${path}/`) },
        content: undefined,
      };
    case 'file':
      return {
        header: { ...base, type: 'file', sizeBytes: contentSize(entry.content) },
        content: entry.content,
      };
    case 'symlink':
      return { header: { ...base, type: 'symlink', linkName: encodeBytes(entry.target) }, content: undefined };
    case 'char':
    case 'block':
      return { header: { ...base, type: entry.kind, major: entry.major, minor: entry.minor }, content: undefined };
    case 'fifo':
      return { header: { ...base, type: 'fifo' }, content: undefined };
    case 'socket':
      throw new BuildError(`${path}: a tar archive cannot hold a socket`);
  }
}

/** The body of the pax header that `header` needs; empty when it needs none. */
function paxRecords(header: TarHeader, { inode }: NamedInode): Uint8Array {
  const records: [string, Uint8Array][] = [];
  const names = [
    ['path', header.name],
    ['linkpath', header.linkName],
  ] as const;
  for (const [key, value] of names)
    if (value !== undefined && value.length > MAX_NAME_BYTES) records.push([key, value]);
  // Without this a reader may take values for UTF-8 and refuse them.
  if (records.some(([, value]) => decodeUtf8(value) === undefined))
    records.unshift(['hdrcharset', encodeBytes('BINARY')]);
  if (header.uid > MAX_OWNER) records.push(['uid', encodeBytes(String(header.uid))]);
  if (header.gid > MAX_OWNER) records.push(['gid', encodeBytes(String(header.gid))]);
  if (header.sizeBytes > MAX_SIZE) records.push(['size', encodeBytes(String(header.sizeBytes))]);
  if (header.type !== 'link') {
    const xattrs = [...(inode.entry.xattrs ?? [])].sort(([left], [right]) => (left < right ? -1 : 1));
    // GNU tar escapes the two characters that a keyword must not have.
    for (const [name, value] of xattrs)
      records.push([`SCHILY.xattr.${name.replaceAll('%', '%25').replaceAll('=', '%3D')}`, value]);
  }
  return Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
}
