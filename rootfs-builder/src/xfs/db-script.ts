/**
 * What a prototype file cannot say is done afterwards with the expert commands of xfs_db(8): further names of a file, and
 * extended attributes. Values and names of attributes come from files, as they may be any bytes.
 */
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { namedInodes } from '../tree/inodes.ts';
import { parentOf } from '../tree/tree-path.ts';
import { accessListOnDisk } from './access-list.ts';

/** How each namespace is called, and what an access list is called (fs/xfs/libxfs/xfs_format.h, SGI_ACL_FILE). */
const NAMESPACES = [
  ['user.', '-u'],
  ['trusted.', '-r'],
  ['security.', '-s'],
] as const;
const ACCESS_LISTS: Readonly<Record<string, string>> = {
  'system.posix_acl_access': 'SGI_ACL_FILE',
  'system.posix_acl_default': 'SGI_ACL_DEFAULT',
};

/** Commands, and the files that they read, by name. */
export interface DbScript {
  readonly commands: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The commands for a tree that was made from its prototype; undefined when there is nothing to do. Throws BuildError for what XFS cannot hold. */
export function dbScript(tree: FileTree): DbScript | undefined {
  const lines: string[] = [];
  const files = new Map<string, Uint8Array>();
  for (const { path, inode } of namedInodes(tree)) {
    const { entry, ino, names } = inode;
    const [first = path] = names;
    if (first !== path) {
      const parent = parentOf(path);
      lines.push(`path /${parent === '.' ? '' : parent}`);
      lines.push(`link -p /${first} -- ${path.slice(path.lastIndexOf('/') + 1)}`);
      continue;
    }
    if (entry.xattrs === undefined) continue;
    lines.push(`path /${path === '.' ? '' : path}`);
    const sorted = [...entry.xattrs].sort(([left], [right]) => (left < right ? -1 : 1));
    for (const [index, [name, value]] of sorted.entries()) {
      const { flag, rest, stored } = attributeOf(path, name, value);
      const file = `x${ino}.${index}`;
      files.set(`${file}.name`, encodeBytes(rest));
      // It takes no empty file for a value.
      if (stored.length > 0) files.set(`${file}.value`, stored);
      lines.push(`attr_set ${flag} -N ./${file}.name${stored.length > 0 ? ` -V ./${file}.value` : ''}`);
    }
  }
  return lines.length === 0 ? undefined : { commands: encodeBytes(`${lines.join('\n')}\n`), files };
}

function attributeOf(
  path: string,
  name: string,
  value: Uint8Array,
): { readonly flag: string; readonly rest: string; readonly stored: Uint8Array } {
  const list = Object.hasOwn(ACCESS_LISTS, name) ? ACCESS_LISTS[name] : undefined;
  if (list !== undefined) return { flag: '-r', rest: list, stored: accessListOnDisk(path, name, value) };
  const found = NAMESPACES.find(([prefix]) => name.startsWith(prefix));
  if (found === undefined) throw new BuildError(`xfs: ${path}: extended attribute ${name}: cannot be stored`);
  return { flag: found[1], rest: name.slice(found[0].length), stored: value };
}
