import {
  CGROUP2_SUPER_MAGIC,
  DEVPTS_SUPER_MAGIC,
  O_DIRECTORY,
  O_PATH,
  PROC_SUPER_MAGIC,
  SYSFS_MAGIC,
} from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { Fd } from '../../sys/fd.ts';
import { fchown, fstat, isCharDevice, isFifo, isRegular, isSocket } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import type { Stat } from '../../sys/file.ts';
import type { Rlimit } from '../../sys/process.ts';
import {
  fchdir,
  getcwd,
  getRlimit,
  setKeepCaps,
  setRlimit,
  setgroups,
  setresgid,
  setresuid,
} from '../../sys/process.ts';
import { rlimitNames } from '../../oci/rlimit-names.ts';
import type { RlimitStepEntry, Step } from '../plan/launch-plan.ts';
import type { ContainerRoot } from '../rootfs/container-root.ts';
import type { InitState } from './init-state.ts';

/** `(gid_t)-1`: leave it as it is. */
const unchanged = 0xffffffff;

/** setrlimit(2), with what EPERM means here. */
function setHardLimit(resource: number, limit: Rlimit, currentHard: bigint): void {
  try {
    setRlimit(resource, limit);
  } catch (error) {
    if (!isSysError(error, 'EPERM')) throw error;
    const name = rlimitNames[resource] ?? `limit ${resource}`;
    const text = `process.rlimits: ${name} ${limit.hard} is above ${currentHard}: raising it takes CAP_SYS_RESOURCE`;
    throw new DomainError('permission_denied', text, error);
  }
}

/**
 * Sets the hard limits, each with the highest soft limit it allows for now; the wanted soft limits bind the interpreter as
 * well (memory, descriptors, file sizes), so they are left for the very end.
 */
export function applyHardLimits(state: InitState, limits: readonly RlimitStepEntry[]): void {
  const wanted = limits.map(({ resource, soft, hard }) => ({ resource, soft: BigInt(soft), hard: BigInt(hard) }));
  for (const { resource, soft, hard } of wanted) {
    const current = getRlimit(resource);
    const higher = current.soft > soft ? current.soft : soft;
    setHardLimit(resource, { soft: higher < hard ? higher : hard, hard }, current.hard);
  }
  state.softLimits = wanted;
}

/** The last thing before execve. */
export function applySoftLimits(state: InitState): void {
  for (const { resource, soft, hard } of state.softLimits) setRlimit(resource, { soft, hard });
}

/**
 * Enters the working directory, inside the root and through no magic link (`/proc/self/fd/3` as cwd is how descriptors leaked
 * out of containers), and checks that its path can be named from here (EXE-02, EXE-03).
 */
export function enterWorkingDirectory(root: ContainerRoot, path: string): void {
  using directory = root.open(path, O_PATH | O_DIRECTORY);
  fchdir(directory);
  const cwd = getcwd();
  if (!cwd.startsWith('/')) throw new DomainError('invalid_argument', `cwd ${path} is outside the container's root`);
}

/** File systems whose files are the kernel's: an owner given to one is seen by everybody. */
const kernelFiles: ReadonlySet<number> = new Set([PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP2_SUPER_MAGIC]);

/** True for what may be the process's own: pipes, sockets, terminals and files, and not for devices, which belong to all (EXE-14). */
function canBeOwned(fd: Fd, found: Stat): boolean {
  if (isFifo(found) || isSocket(found)) return true;
  const { type } = fstatfs(fd);
  if (isCharDevice(found)) return type === DEVPTS_SUPER_MAGIC;
  return isRegular(found) && !kernelFiles.has(type);
}

/** Gives 0, 1 and 2 to the user, as far as they can be. */
export function ownStdio(uid: number): void {
  for (const number of [0, 1, 2]) {
    const fd = new Fd(number, `descriptor ${number}`);
    const found = fstat(fd);
    if (found.uid === uid || !canBeOwned(fd, found)) continue;
    try {
      fchown(fd, uid, unchanged);
    } catch (error) {
      // A file on a read-only mount, or one that cannot have owners: the process lives without.
      if (!isSysError(error, 'EROFS', 'EPERM', 'EINVAL')) throw error;
    }
  }
}

/** EINVAL is how the kernel says that an id has no place in the user namespace (PRV-10). */
function withName(what: string, change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!isSysError(error, 'EINVAL')) throw error;
    throw new DomainError('invalid_argument', `process.user: ${what} is not mapped in the user namespace`, error);
  }
}

/** Groups first, while there is still the right to set them; capabilities are kept over the change and cut afterwards. */
export function becomeUser(step: Extract<Step, { do: 'user' }>): void {
  setKeepCaps(true);
  if (step.setsGroups) withName(`groups ${step.groups.slice(0, 20).join(', ')}`, () => setgroups(step.groups));
  withName(`group ${step.gid}`, () => setresgid(step.gid));
  withName(`user ${step.uid}`, () => setresuid(step.uid));
  setKeepCaps(false);
}
