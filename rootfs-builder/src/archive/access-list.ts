/**
 * POSIX access lists as text (acl(5), "ACL text forms"), in which GNU tar and star store them, and as the extended attributes
 * that the kernel takes (linux/posix_acl_xattr.h).
 */
import { BuildError } from '../build-error.ts';

const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;
const NO_ID = 0xffff_ffff;

/** Numbers of the kinds of entries: of the owner and the group themselves, and of others. */
const TAGS: Readonly<Record<string, readonly [own: number, named: number | undefined]>> = {
  user: [0x01, 0x02],
  group: [0x04, 0x08],
  mask: [0x10, undefined],
  other: [0x20, undefined],
};
/** Lists with no other entries say what the mode says. */
const OF_MODE: readonly number[] = [0x01, 0x04, 0x20];

/**
 * The value of `system.posix_acl_access` or `_default`, or undefined for a list that only repeats a mode. Names of users and
 * groups mean nothing here: star writes the number behind them, GNU tar does not. Throws BuildError for those and for what is no list.
 */
export function accessListValue(text: string): Uint8Array | undefined {
  const entries = text
    .split(/[\n,]/)
    .map((line) => line.replace(/#.*$/, '').replace(/\s+/g, ''))
    .filter((line) => line !== '')
    .map(parseEntry);
  if (entries.length === 0 || entries.every(({ tag }) => OF_MODE.includes(tag))) return undefined;
  entries.sort((left, right) => left.tag - right.tag || left.id - right.id);
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

function parseEntry(line: string): { readonly tag: number; readonly permissions: number; readonly id: number } {
  const [kind = '', name = '', rights = '', number, ...rest] = line.split(':');
  const tags = Object.hasOwn(TAGS, kind) ? TAGS[kind] : undefined;
  const bits = /^(r|-)(w|-)(x|-)$/.exec(rights);
  if (tags === undefined || bits === null || rest.length > 0)
    throw new BuildError(`an access list has the entry ${JSON.stringify(line.slice(0, 80))}`);
  const permissions = bits.slice(1).reduce((sum, letter) => sum * 2 + (letter === '-' ? 0 : 1), 0);
  const [own, named] = tags;
  if (name === '') return { tag: own, permissions, id: NO_ID };
  const id = number ?? name;
  if (named === undefined || !/^[0-9]{1,10}$/.test(id) || Number(id) >= NO_ID)
    throw new BuildError(
      `an access list names the ${kind} ${JSON.stringify(name.slice(0, 80))}; ` +
        `only numbers mean something here: tar --xattrs --xattrs-include='*' stores them`,
    );
  return { tag: named, permissions, id: Number(id) };
}
