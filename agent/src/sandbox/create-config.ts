import type { AttachedDevice } from '../guest/device/attached-device.ts';
import type { Storage } from '../guest/storage/storage.ts';
import type { Spec } from '../oci/spec.ts';
import type { StdioPorts } from './process-streams.ts';
import type { SharedMount } from './shared-mount.ts';

/** What CreateSandbox asks for, checked where it came in. */
export interface CreateSandboxConfig {
  readonly sandboxId: string;
  readonly hostname: string;
  readonly storages: readonly Storage[];
  /** Folder of the guest's image with hooks for every container; empty: none. */
  readonly guestHookPath: string;
}

/** What CreateContainer asks for, checked where it came in. */
export interface CreateContainerConfig {
  readonly containerId: string;
  readonly spec: Spec;
  /** Devices that the host attached to the VM for it. */
  readonly devices: readonly AttachedDevice[];
  readonly storages: readonly Storage[];
  /** Join the pid namespace of the sandbox's first container. */
  readonly sharesPidNamespace: boolean;
  /** Mounts of other containers that this one is to see. */
  readonly sharedMounts: readonly SharedMount[];
  /** Connections that are to be init's streams. */
  readonly ports: StdioPorts;
}
