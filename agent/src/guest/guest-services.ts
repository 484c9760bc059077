import type { AbortSignal } from '../base/abort.ts';
import type { FileServices } from './files/file-services.ts';
import type { OnlineRequest } from './hotplug/online-cpu-mem.ts';
import type { MachineServices } from './machine/machine-services.ts';
import type { MetricsServices } from './metrics/metrics-services.ts';
import type { NetworkServices } from './network/network-services.ts';
import type { Storage } from './storage/storage.ts';

/** What the API asks of the guest itself; `entry/agent.ts` puts the pieces together. */
export interface GuestServices {
  /** Runs the image's modprobe; throws with its output when it fails. */
  loadKernelModule(name: string, parameters: readonly string[], signal: AbortSignal): Promise<void>;
  /** Lines of a resolv.conf for the whole sandbox; an empty list changes nothing. */
  writeDns(lines: readonly string[]): void;
  /** New options for tmpfs volumes that are mounted. */
  updateEphemeralMounts(storages: readonly Storage[], signal: AbortSignal): Promise<void>;
  /** Looks at every mount point of the share. */
  refreshShareMounts(signal: AbortSignal): Promise<void>;
  /** The sandbox's network. */
  network(): Promise<NetworkServices>;
  /** Files of the guest. */
  files(): Promise<FileServices>;
  /** Clock, randomness, memory, swap and volumes. */
  machine(): Promise<MachineServices>;
  /** Numbers for a monitor. */
  metrics(): Promise<MetricsServices>;
  /** Size of a memory block in bytes, 0 when the kernel has none. */
  memoryBlockSizeBytes(): bigint;
  supportsMemoryProbe(): boolean;
  /** Brings CPUs and memory into use. */
  onlineCpuMem(request: OnlineRequest): Promise<void>;
}
