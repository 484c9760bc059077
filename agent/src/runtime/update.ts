import { DomainError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { specFromJson } from '../oci/from-json/spec-from-json.ts';
import type { Resources } from '../oci/spec.ts';
import { validateResources } from '../oci/validate-resources.ts';
import { exists, readText } from '../sys/file.ts';
import { requireCgroup } from './cgroup/cgroup-directory.ts';
import { ContainerDirectory } from './state/container-directory.ts';
import { lockedStatus } from './state/container-status.ts';

/** `update`: changes limits of a container that has not stopped. What is not mentioned keeps its value. */
export async function updateContainer(root: string, id: string, resources: Resources, log: Logger): Promise<void> {
  validateResources(resources);
  using directory = ContainerDirectory.openLocked(root, id);
  const state = directory.require();
  if (lockedStatus(directory, state) === 'stopped') {
    throw new DomainError('failed_precondition', 'cannot update a stopped container');
  }
  const hasDeviceRules = resources.devices.length > 0;
  const nodes = hasDeviceRules
    ? specFromJson(directory.readConfig(), { bundle: state.bundle }).value.linux.devices
    : [];
  const cgroup = requireCgroup(state, 'update', log);
  try {
    const unit = state.cgroup?.unit;
    if (unit !== undefined) {
      const { updateStoredUnit } = await import('./cgroup/stored-unit.ts');
      const cpuMax = exists('cpu.max', cgroup.directory) ? readText('cpu.max', { at: cgroup.directory }) : '';
      // Before the files, which can say more exactly what the properties only come near to.
      await updateStoredUnit(unit, resources, cpuMax);
    }
    cgroup.update(resources, nodes);
  } finally {
    cgroup.close();
  }
}
