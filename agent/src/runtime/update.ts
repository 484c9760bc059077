import { DomainError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { specFromJson } from '../oci/from-json/spec-from-json.ts';
import type { Resources } from '../oci/spec.ts';
import { validateResources } from '../oci/validate-resources.ts';
import { requireCgroup } from './cgroup/cgroup-directory.ts';
import { ContainerDirectory } from './state/container-directory.ts';
import { lockedStatus } from './state/container-status.ts';

/** `update`: changes limits of a container that has not stopped. What is not mentioned keeps its value. */
export function updateContainer(root: string, id: string, resources: Resources, log: Logger): void {
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
    cgroup.update(resources, nodes);
  } finally {
    cgroup.close();
  }
}
