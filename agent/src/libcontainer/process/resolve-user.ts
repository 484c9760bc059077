import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { parseUserText } from '../../oci/user-text.ts';
import type { ContainerRoot } from '../rootfs/container-root.ts';
import { readAccountFile } from './account-file.ts';
import type { AccountFile } from './account-file.ts';
import { groupIdOf, groupsOf, passwordEntryOf } from './accounts.ts';

/** Who a process is to be. Undefined: the text says nothing about it. */
export interface ResolvedUser {
  readonly uid: number;
  /** Undefined for a user given by number without a group. */
  readonly gid: number | undefined;
  /** Those of `/etc/group` for a user by name without a group, none for one with a group; undefined as for `gid`. */
  readonly additionalGids: readonly number[] | undefined;
}

/** NGROUPS_MAX (linux/limits.h). */
const maxGroups = 65536;

function fileOf(root: ContainerRoot, path: '/etc/passwd' | '/etc/group'): AccountFile {
  try {
    return readAccountFile(root, path) ?? { text: '', isWhole: true };
  } catch (error) {
    if (isSysError(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES')) return { text: '', isWhole: true };
    throw error;
  }
}

function notFound(kind: string, name: string, file: AccountFile): DomainError {
  const where = `the container's /etc/${kind === 'user' ? 'passwd' : 'group'}`;
  const text = file.isWhole ? `has no entry in ${where}` : `has no entry in the part of ${where} that is read`;
  return new DomainError('not_found', `${kind} ${JSON.stringify(name)} ${text}`);
}

function groupByName(root: ContainerRoot, name: string): number {
  const file = fileOf(root, '/etc/group');
  const gid = groupIdOf(file.text, name);
  if (gid === undefined) throw notFound('group', name, file);
  return gid;
}

/** All groups of a user. A file that is too long is refused: a group that is missing may be one that rights are denied to. */
function supplementaryGroups(root: ContainerRoot, name: string): readonly number[] {
  const file = fileOf(root, '/etc/group');
  if (!file.isWhole) {
    throw new DomainError('resource_exhausted', "the container's /etc/group is too long to find a user's groups in");
  }
  const groups = groupsOf(file.text, name);
  if (groups.length > maxGroups) {
    throw new DomainError('resource_exhausted', `user ${JSON.stringify(name)} is in ${groups.length} groups`);
  }
  return groups;
}

/**
 * Finds `user[:group]` for a container. Numbers are taken as they are and never looked up; names are looked up in the
 * container's own files through its pinned root, of which no more than 1 MiB is read (PRV-04, LIV-10). Throws `invalid_argument` for
 * a text that is neither, `not_found` for an unknown name.
 */
export function resolveUser(root: ContainerRoot, text: string): ResolvedUser {
  const { user, group } = parseUserText(text);
  const gid = typeof group === 'string' ? groupByName(root, group) : group;
  if (typeof user === 'number') return { uid: user, gid, additionalGids: gid === undefined ? undefined : [] };
  const file = fileOf(root, '/etc/passwd');
  const entry = passwordEntryOf(file.text, user);
  if (entry === undefined) throw notFound('user', user, file);
  if (gid !== undefined) return { uid: entry.uid, gid, additionalGids: [] };
  return { ...entry, additionalGids: supplementaryGroups(root, user) };
}
