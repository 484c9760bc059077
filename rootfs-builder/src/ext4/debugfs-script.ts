/**
 * The script with which debugfs(8) fills an ext4 image. It works on the image file itself, so owners, devices, attributes
 * and times need no privileges. Names are bytes; a word is quoted as ss_parse() of libss takes it.
 */
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { FILE_TYPES } from '../tree/file-types.ts';
import { namedInodes } from '../tree/inodes.ts';
import type { Inode, NamedInode } from '../tree/inodes.ts';
import { parentOf } from '../tree/tree-path.ts';
import { writingOrder } from './xattr-plan.ts';

/** EXT4_LINK_MAX. */
const MAX_LINKS = 65_000;
/** debugfs reads lines of BUFSIZ. */
const MAX_LINE_BYTES = 8191;
/** Beyond these numbers of seconds the extra bits of a time count (ext4 "extra_isize"). */
const SIGNED_SECONDS = 2 ** 31;

/** Where the script finds what it does not hold itself. */
export interface ScriptSources {
  /** Host path with the bytes of a file. */
  fileOf(inode: Inode): string | Uint8Array;
  /** Host path with the value of an extended attribute. */
  xattrOf(inode: Inode, name: string, value: Uint8Array): string;
}

/** The commands, one a line. Throws BuildError for what debugfs or ext4 cannot take. */
export function debugfsScript(tree: FileTree, sources: ScriptSources, time: number): Uint8Array {
  const script = new Script();
  let directory: string | undefined;
  for (const item of namedInodes(tree)) {
    const { path } = item;
    const parent = path === '.' ? '.' : parentOf(path);
    if (parent !== directory) script.command('cd', parent === '.' ? '/' : `/${parent}`);
    directory = parent;
    addName(script, item, sources, time);
  }
  return script.bytes();
}

class Script {
  readonly #lines: Uint8Array[] = [];

  command(...words: (string | Uint8Array)[]): void {
    const parts = words.flatMap((word) => [encodeBytes(' '), quote(word)]).slice(1);
    const line = Buffer.concat([...parts, encodeBytes('\n')]);
    const shown = Buffer.from(line).toString('latin1').slice(0, 80);
    if (line.indexOf(0x0a) !== line.length - 1)
      throw new BuildError(`ext4: ${JSON.stringify(shown)}: debugfs takes no newline in a name or symlink`);
    if (line.length > MAX_LINE_BYTES) throw new BuildError(`ext4: ${JSON.stringify(shown)}: too long for debugfs`);
    this.#lines.push(line);
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#lines);
  }
}

function quote(word: string | Uint8Array): Uint8Array {
  const bytes = typeof word === 'string' ? encodeBytes(word) : word;
  const text = Buffer.from(bytes).toString('latin1');
  if (/^[A-Za-z0-9_/.@+:=-]+$/.test(text)) return bytes;
  return Buffer.from(`"${text.replaceAll('"', '""')}"`, 'latin1');
}

function addName(script: Script, item: NamedInode, sources: ScriptSources, time: number): void {
  const { path, inode } = item;
  const { entry, names } = inode;
  const [first = path] = names;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (first !== path) return script.command('ln', `/${first}`, name);
  if (entry.kind !== 'dir' && names.length > MAX_LINKS)
    throw new BuildError(`ext4: ${path}: ${names.length} hard links; ${MAX_LINKS} are possible`);
  switch (entry.kind) {
    case 'dir':
      // mkfs has made these two.
      if (path !== '.' && path !== 'lost+found') script.command('mkdir', name);
      break;
    case 'file':
      script.command('write', sources.fileOf(inode), name);
      break;
    case 'symlink':
      script.command('symlink', name, entry.target);
      break;
    case 'char':
    case 'block':
      script.command('mknod', name, entry.kind === 'char' ? 'c' : 'b', String(entry.major), String(entry.minor));
      break;
    case 'fifo':
    case 'socket':
      // debugfs makes no sockets: the mode says what it is, and e2fsck puts the type in the directory right.
      script.command('mknod', name, 'p');
      break;
  }
  setFields(script, inode, path === '.' ? '/' : `./${name}`, time);
  setXattrs(script, inode, path === '.' ? '/' : `./${name}`, sources);
}

function setFields(script: Script, { entry, names }: Inode, target: string, time: number): void {
  const set = (field: string, value: string): void => script.command('sif', target, field, value);
  set('mode', `0${(FILE_TYPES[entry.kind] | entry.mode).toString(8)}`);
  if (entry.uid !== 0 || entry.path === '.') set('uid', String(entry.uid));
  if (entry.gid !== 0 || entry.path === '.') set('gid', String(entry.gid));
  if (entry.kind !== 'dir' && names.length > 1) set('links_count', String(names.length));
  const mtime = entry.mtime ?? time;
  if (mtime === time) return;
  for (const field of ['mtime', 'atime', 'ctime', 'crtime']) {
    set(field, `@${mtime % 2 ** 32}`);
    if (mtime >= SIGNED_SECONDS) set(`${field}_extra`, String(Math.floor((mtime + SIGNED_SECONDS) / 2 ** 32)));
  }
}

function setXattrs(script: Script, inode: Inode, target: string, sources: ScriptSources): void {
  const { path, xattrs } = inode.entry;
  if (xattrs === undefined) return;
  for (const [name, value] of writingOrder(path, xattrs))
    script.command('ea_set', '-f', sources.xattrOf(inode, name, value), target, name);
}
