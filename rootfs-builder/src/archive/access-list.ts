/** POSIX access lists as text (acl(5), "ACL text forms"), in which GNU tar and star store them. */
import { BuildError } from '../build-error.ts';
import { encodeAccessList, NO_ACCESS_ID, type AccessEntry } from '../tree/access-list.ts';

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
  return encodeAccessList(entries);
}

function parseEntry(line: string): AccessEntry {
  const [kind = '', name = '', rights = '', number, ...rest] = line.split(':');
  const tags = Object.hasOwn(TAGS, kind) ? TAGS[kind] : undefined;
  const bits = /^(r|-)(w|-)(x|-)$/.exec(rights);
  if (tags === undefined || bits === null || rest.length > 0)
    throw new BuildError(`an access list has the entry ${JSON.stringify(line.slice(0, 80))}`);
  const permissions = bits.slice(1).reduce((sum, letter) => sum * 2 + (letter === '-' ? 0 : 1), 0);
  const [own, named] = tags;
  if (name === '') return { tag: own, permissions, id: NO_ACCESS_ID };
  const id = number ?? name;
  if (named === undefined || !/^[0-9]{1,10}$/.test(id) || Number(id) >= NO_ACCESS_ID)
    throw new BuildError(
      `an access list names the ${kind} ${JSON.stringify(name.slice(0, 80))}; ` +
        `only numbers mean something here: tar --xattrs --xattrs-include='*' stores them`,
    );
  return { tag: named, permissions, id: Number(id) };
}
