import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { encodeBytes } from '../../base/text.ts';
import { parseMountInfo } from '../../codec/mountinfo.ts';
import type { Fd } from '../../sys/fd.ts';
import { mkdir, open, openAt, readText, rmdir, write } from '../../sys/file.ts';
import type { IntelRdtSpec } from '../../oci/spec.ts';
import { planRdt } from './rdt-plan.ts';
import type { RdtPlan } from './rdt-plan.ts';

/** Where resctrl is mounted; undefined: nowhere. */
export function findResctrl(): string | undefined {
  return parseMountInfo(readText('/proc/self/mountinfo')).find((entry) => entry.fsType === 'resctrl')?.mountPoint;
}

function writeTo(directory: Fd, name: string, text: string): void {
  using file = openAt(directory, name, { flags: O_WRONLY, resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS });
  write(file, encodeBytes(text));
}

/** The kernel says in a file of its own what was wrong with the last line. */
function lastStatus(root: string): string {
  try {
    return readText(`${root}/info/last_cmd_status`).trim();
  } catch {
    return '';
  }
}

function openGroup(root: string, plan: RdtPlan): { readonly directory: Fd; readonly isNew: boolean } {
  const path = `${root}/${plan.group}`;
  let isNew = false;
  if (!plan.mustExist) {
    try {
      mkdir(path, 0o755);
      isNew = true;
    } catch (error) {
      if (!isSysError(error, 'EEXIST')) throw error;
    }
  }
  return { directory: open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), isNew };
}

/**
 * Puts a process into its resctrl group, making the group and writing its schemata. Gives what takes a group made here away
 * again. Throws `failed_precondition` when resctrl is not mounted.
 */
export function joinRdtGroup(root: string | undefined, plan: RdtPlan, pid: number): () => void {
  const field = 'linux.intelRdt';
  if (root === undefined) throw new DomainError('failed_precondition', `${field}: resctrl is not mounted`);
  try {
    const { directory, isNew } = openGroup(root, plan);
    const undo = (): void => {
      if (isNew && plan.isOwn) removeRdtGroup(root, plan.group);
    };
    using group = directory;
    try {
      for (const line of plan.schemata) writeTo(group, 'schemata', `${line}\n`);
      writeTo(group, 'tasks', `${pid}\n`);
    } catch (error) {
      if (isNew) removeRdtGroup(root, plan.group);
      throw error;
    }
    return undo;
  } catch (error) {
    if (plan.mustExist && isSysError(error, 'ENOENT')) {
      throw new DomainError('failed_precondition', `${field}.closID: there is no group ${JSON.stringify(plan.group)}`);
    }
    const status = lastStatus(root);
    throw wrapError(status === '' ? `${field} group ${plan.group}` : `${field} group ${plan.group} (${status})`, error);
  }
}

/** Takes the group of a removed container away, if it had one of its own. */
export function releaseRdtGroup(spec: IntelRdtSpec | undefined, containerId: string): void {
  if (spec === undefined) return;
  const { group, isOwn } = planRdt(spec, containerId);
  const root = findResctrl();
  if (isOwn && root !== undefined) removeRdtGroup(root, group);
}

/** Takes a group away; its processes go back to the default group. One that is gone is fine. */
export function removeRdtGroup(root: string, group: string): void {
  try {
    rmdir(`${root}/${group}`);
  } catch (error) {
    if (!isSysError(error, 'ENOENT')) throw error;
  }
}
