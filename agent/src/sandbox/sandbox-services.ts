import type { AbortSignal } from '../base/abort.ts';
import type { Logger } from '../base/log.ts';
import type { AttachedDevice } from '../guest/device/attached-device.ts';
import type { StorageRegistry } from '../guest/storage/storage-registry.ts';
import type { StorageContext } from '../guest/storage/storage.ts';
import type { LaunchContext } from '../libcontainer/types.ts';
import type { Spec } from '../oci/spec.ts';
import type { PreparedDevices } from './devices/prepare-devices.ts';
import type { PassfdListener } from './passfd/passfd-listener.ts';

/** Services the sandbox works with. */
export interface SandboxServices {
  readonly launch: LaunchContext;
  readonly log: Logger;
  readonly storages: StorageRegistry;
  readonly storageContext: (containerId: string | undefined, signal: AbortSignal) => StorageContext;
  /** Waits for devices of the host and puts what they are in this guest into the spec. */
  readonly prepareDevices: (
    spec: Spec,
    devices: readonly AttachedDevice[],
    signal: AbortSignal,
  ) => Promise<PreparedDevices>;
  /** Puts in what the guest's CDI documents say about devices that the container names; the same spec when it names none. */
  readonly injectCdi: (spec: Spec, signal: AbortSignal) => Promise<Spec>;
  /** Where the host hands over streams of processes; undefined: it does not. */
  readonly passfd: PassfdListener | undefined;
}
