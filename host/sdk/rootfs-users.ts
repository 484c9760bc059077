import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError } from '../vm/host-error.ts';

/** Largest /etc/passwd or /etc/group that is read, in bytes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

const MAX_ID = 0xffffffff;

/** Who a process runs as. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The user tables of a root filesystem. */
export interface UserTables {
  readonly users: readonly PasswdEntry[];
  readonly groups: readonly GroupEntry[];
}

function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

/** Lines of passwd(5); malformed ones are skipped, as the C library does. */
export function parsePasswd(text: string): PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uidText, gidText, , home = '/'] = line.split(':');
    const uid = parseId(uidText);
    const gid = parseId(gidText);
    return name === '' || uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home: home || '/' }];
  });
}

/** Lines of group(5); malformed ones are skipped. */
export function parseGroup(text: string): GroupEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , gidText, members = ''] = line.split(':');
    const gid = parseId(gidText);
    return name === '' || gid === undefined ? [] : [{ name, gid, members: members.split(',').filter(Boolean) }];
  });
}

/**
 * `USER`, `UID`, `USER:GROUP` or any mix of names and numbers, as the OCI image specification has it. A number needs no
 * entry in the tables; a name does.
 *
 * @throws HostError for an unknown name
 */
export function resolveUser(text: string, tables: UserTables): ResolvedUser {
  const [userText = '', groupText, ...rest] = text.split(':');
  if (rest.length > 0 || groupText === '') throw new HostError(`${JSON.stringify(text)} is no USER[:GROUP]`);
  const wanted = userText === '' ? '0' : userText;
  const uid = parseId(wanted);
  const entry = tables.users.find((user) => user.name === wanted) ?? tables.users.find((user) => user.uid === uid);
  if (entry === undefined && uid === undefined)
    throw new HostError(`no user ${wanted} in the root filesystem's /etc/passwd`);
  const group = groupText === undefined ? undefined : resolveGroup(groupText, tables.groups);
  // Naming a group replaces the user's own set, as in the image specification.
  const members = tables.groups.filter((one) => entry !== undefined && one.members.includes(entry.name));
  return {
    uid: entry?.uid ?? uid ?? 0,
    gid: group ?? entry?.gid ?? 0,
    additionalGids: group === undefined ? members.map((one) => one.gid) : [],
    home: entry?.home ?? '/',
  };
}

function resolveGroup(text: string, groups: readonly GroupEntry[]): number {
  const gid = groups.find((group) => group.name === text)?.gid ?? parseId(text);
  if (gid === undefined) throw new HostError(`no group ${text} in the root filesystem's /etc/group`);
  return gid;
}

/**
 * Reads a file of the root filesystem. The tree is not ours: a symlink that leads out of it would make the host read its
 * own files, so the resolved path must still be inside, and only a regular file counts. Empty when there is none.
 */
async function readInside(rootfs: string, path: string): Promise<string> {
  try {
    const root = await realpath(rootfs);
    const real = await realpath(join(root, path));
    if (root !== '/' && !real.startsWith(`${root}/`)) return '';
    await using file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const info = await file.stat();
    if (!info.isFile()) return '';
    const buffer = Buffer.alloc(Math.min(info.size, MAX_FILE_BYTES));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return '';
  }
}

/** The tables of the root filesystem at `rootfs`; empty ones when it has no such files. */
export async function readUserTables(rootfs: string): Promise<UserTables> {
  const [passwd, group] = await Promise.all([readInside(rootfs, 'etc/passwd'), readInside(rootfs, 'etc/group')]);
  return { users: parsePasswd(passwd), groups: parseGroup(group) };
}
