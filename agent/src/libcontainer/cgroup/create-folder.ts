import { CGROUP2_SUPER_MAGIC, O_DIRECTORY, O_RDONLY } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { mkdir, open, readText, rmdir, writeFile } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import { keyedValue, parseFlatKeyed } from './parse-stats.ts';
import { folderFlags } from './walk-tree.ts';

/**
 * What happens to a cgroup that is there already and empty. `replace`: it is removed and made anew, so that no limit, program or
 * file owner of before is left. `reuse`: it is taken as it is; callers of OCI runtimes prepare groups. A cgroup with
 * processes, or a frozen one, is refused in any case (CGN-04).
 */
export type ExistingCgroup = 'replace' | 'reuse';

/** Opened folders, and why controllers are missing there. */
export interface CreatedFolder {
  readonly parent: Fd;
  readonly name: string;
  readonly directory: Fd;
  /** Reasons by controller. */
  readonly missing: ReadonlyMap<string, string>;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/**
 * Lets children of this cgroup use every controller it has. Failures are remembered, not thrown: a missing controller matters
 * only when a limit needs it. All in one write, and one by one when the kernel refuses that.
 */
function enableControllers(directory: Fd, where: string, missing: Map<string, string>): void {
  const enabled = words(readText('cgroup.subtree_control', { at: directory }));
  const wanted = words(readText('cgroup.controllers', { at: directory })).filter((name) => !enabled.includes(name));
  const tryEnable = (names: readonly string[]): string | undefined => {
    try {
      writeFile('cgroup.subtree_control', names.map((name) => `+${name}`).join(' '), { at: directory });
      return undefined;
    } catch (error) {
      if (!isSysError(error)) throw error;
      return error.code;
    }
  };
  if (wanted.length === 0 || tryEnable(wanted) === undefined) return;
  for (const name of wanted) {
    const code = tryEnable([name]);
    if (code === undefined) continue;
    const hint = code === 'EBUSY' ? ', which has processes of its own' : '';
    missing.set(name, `cannot be enabled for the children of ${where}${hint}: ${code}`);
  }
}

/** True when the cgroup was made by this call. */
function makeFolder(parent: Fd, name: string): boolean {
  try {
    mkdir(name, 0o755, parent);
    return true;
  } catch (error) {
    if (isSysError(error, 'EAGAIN')) {
      throw new DomainError('failed_precondition', `no more cgroups may be made below ${parent.what}`, error);
    }
    if (!isSysError(error, 'EEXIST')) throw error;
    return false;
  }
}

function takeExisting(parent: Fd, name: string, existing: ExistingCgroup): void {
  if (existing === 'reuse') return;
  try {
    rmdir(name, parent);
  } catch (error) {
    throw new DomainError('failed_precondition', `cgroup ${name} is in use`, error);
  }
  mkdir(name, 0o755, parent);
}

/** Refuses a cgroup in which a process could not start, or would not be alone. */
function assertUsable(directory: Fd): void {
  const events = parseFlatKeyed(readText('cgroup.events', { at: directory }));
  if (keyedValue(events, 'populated') !== 0n) throw new DomainError('failed_precondition', 'it has processes already');
  if (keyedValue(events, 'frozen') !== 0n) {
    throw new DomainError('failed_precondition', 'it is frozen, or one above it is');
  }
  const type = readText('cgroup.type', { at: directory }).trim();
  if (type !== 'domain') {
    throw new DomainError('failed_precondition', `it is of the type "${type}"; one above it has become threaded`);
  }
}

/**
 * Makes the cgroup `path` below `root`, a v2 hierarchy or a cgroup in one, and what is missing above it. On failure everything
 * made is removed again.
 */
export function createFolder(root: string, path: string, existing: ExistingCgroup): CreatedFolder {
  const names = path.split('/').filter((name) => name !== '');
  const name = names.pop() ?? '';
  const missing = new Map<string, string>();
  const made: { readonly parent: Fd; readonly name: string }[] = [];
  /** Descriptors of the way down: they are needed for the way back only. */
  const opened: Fd[] = [];
  const enter = (parent: Fd, folder: string): Fd => {
    if (makeFolder(parent, folder)) made.push({ parent, name: folder });
    const fd = open(folder, folderFlags, 0, parent);
    opened.push(fd);
    return fd;
  };
  try {
    let parent = open(root, O_RDONLY | O_DIRECTORY);
    opened.push(parent);
    if (fstatfs(parent).type !== CGROUP2_SUPER_MAGIC) {
      throw new DomainError('failed_precondition', `${root} is not a cgroup v2 hierarchy`);
    }
    enableControllers(parent, root, missing);
    let where = root;
    for (const folder of names) {
      parent = enter(parent, folder);
      where += `/${folder}`;
      enableControllers(parent, where, missing);
    }
    if (makeFolder(parent, name)) made.push({ parent, name });
    else takeExisting(parent, name, existing);
    const directory = open(name, folderFlags, 0, parent);
    opened.push(directory);
    assertUsable(directory);
    for (const fd of opened) if (fd !== parent && fd !== directory) fd.close();
    return { parent, name, directory, missing };
  } catch (error) {
    for (const each of made.reverse()) removeQuietly(each.parent, each.name);
    for (const fd of opened) fd.close();
    throw error;
  }
}

function removeQuietly(parent: Fd, name: string): void {
  try {
    rmdir(name, parent);
  } catch (error) {
    // Somebody else may have begun to use it.
    if (!isSysError(error)) throw error;
  }
}
