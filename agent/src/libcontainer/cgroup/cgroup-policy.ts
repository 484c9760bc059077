import type { ExistingCgroup } from './create-folder.ts';
import { guestDevicePolicy, runtimeDevicePolicy } from './device-rules.ts';
import type { DevicePolicySource } from './device-rules.ts';

/** How the cgroups of containers are taken and written. */
export interface CgroupPolicy {
  readonly existing: ExistingCgroup;
  /** See `CgroupWrite.need`: CPUs and I/O limits that the kernel refuses, and what cgroup v2 has no counterpart for, are logged only. */
  readonly isLenient: boolean;
  readonly devices: DevicePolicySource;
}

/**
 * In a guest: every cgroup is ours alone, and the host sends lists of CPUs again when the hardware is there (contract,
 * lifecycle section 12).
 */
export const guestCgroupPolicy: CgroupPolicy = { existing: 'replace', isLenient: true, devices: guestDevicePolicy };

/** Of an OCI runtime, as runc has it: engines prepare groups, and every limit must hold. */
export const runtimeCgroupPolicy: CgroupPolicy = { existing: 'reuse', isLenient: false, devices: runtimeDevicePolicy };
