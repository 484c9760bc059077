import type { AbortSignal } from '../../base/abort.ts';
import { DomainError } from '../../base/errors.ts';
import { runtimeCgroupPath } from '../../libcontainer/cgroup/cgroup-path.ts';
import { settingThatNeedsCgroup } from '../../libcontainer/cgroup/resource-plan.ts';
import type { SystemdUnit } from '../../libcontainer/cgroup/systemd/systemd-unit.ts';
import type { LaunchContext } from '../../libcontainer/types.ts';
import type { Spec } from '../../oci/spec.ts';
import { exists, mayWriteIn, readText } from '../../sys/file.ts';
import type { StoredState } from '../state/stored-state.ts';

/** Who makes the cgroups of containers; `disabled`: nobody. */
export type CgroupChoice = 'cgroupfs' | 'systemd' | 'disabled';

/** Where a container's cgroup will be. */
export interface ChosenCgroup {
  readonly stored: StoredState['cgroup'];
  /** Who will make it, if it is not this program. The caller closes it. */
  readonly unit: SystemdUnit | undefined;
}

/** Where the cgroup goes; only a relative path asks where this command sits. */
function ownPath(cgroupsPath: string, id: string): string {
  return runtimeCgroupPath(cgroupsPath, id, cgroupsPath.startsWith('/') ? '' : readText('/proc/self/cgroup'));
}

/** True when this command may make the cgroup: write in the nearest folder above it that is there. */
function mayMake(root: string, path: string): boolean {
  let folder = `${root}${path}`;
  do folder = folder.slice(0, folder.lastIndexOf('/'));
  while (folder.length > root.length && !exists(folder));
  return mayWriteIn(folder);
}

/**
 * As runc: a user without a cgroup that was given to him makes containers without one, unless the configuration names a place or asks
 * for what only a cgroup can do.
 */
function goesWithout(root: string, path: string, { cgroupsPath, resources }: Spec['linux']): boolean {
  return cgroupsPath === '' && !mayMake(root, path) && settingThatNeedsCgroup(resources) === undefined;
}

/** Settles where the cgroup of a new container will be. Makes nothing. */
export async function chooseCgroup(
  context: LaunchContext,
  request: { readonly id: string; readonly cgroups: CgroupChoice },
  spec: Spec,
  signal: AbortSignal,
): Promise<ChosenCgroup> {
  const root = context.cgroupRoot;
  const { cgroupsPath } = spec.linux;
  if (request.cgroups !== 'systemd') {
    if (root === undefined) return { stored: undefined, unit: undefined };
    const path = ownPath(cgroupsPath, request.id);
    return { stored: goesWithout(root, path, spec.linux) ? undefined : { root, path }, unit: undefined };
  }
  if (root === undefined) {
    throw new DomainError('failed_precondition', 'there is no cgroup v2 hierarchy for units of systemd');
  }
  const { planUnit } = await import('./plan-unit.ts');
  const unit = await planUnit(context, request.id, spec, signal);
  return { stored: { root, path: unit.path, unit: unit.record }, unit };
}
