import type { AbortSignal } from '../../base/abort.ts';
import { DomainError } from '../../base/errors.ts';
import { runtimeCgroupPath } from '../../libcontainer/cgroup/cgroup-path.ts';
import type { SystemdUnit } from '../../libcontainer/cgroup/systemd/systemd-unit.ts';
import type { LaunchContext } from '../../libcontainer/types.ts';
import type { Spec } from '../../oci/spec.ts';
import { readText } from '../../sys/file.ts';
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
    const stored = root === undefined ? undefined : { root, path: ownPath(cgroupsPath, request.id) };
    return { stored, unit: undefined };
  }
  if (root === undefined) {
    throw new DomainError('failed_precondition', 'there is no cgroup v2 hierarchy for units of systemd');
  }
  const { planUnit } = await import('./plan-unit.ts');
  const unit = await planUnit(context, request.id, spec, signal);
  return { stored: { root, path: unit.path, unit: unit.record }, unit };
}
