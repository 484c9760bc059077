import type { AbortSignal } from '../base/abort.ts';
import { describeError, DomainError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { decodeBytes } from '../base/text.ts';
import { runCommand } from '../sys/command.ts';
import { exists } from '../sys/file.ts';
import type { EventLoop } from '../sys/loop.ts';
import { offload } from '../sys/offload.ts';
import { sleep } from '../sys/readiness.ts';
import type { Reaper } from '../sys/reaper.ts';
import { INIT_PATH } from './boot/boot-as-init.ts';
import type { AgentConfig } from './config/agent-config.ts';
import { DeviceWaiters } from './device/device-waiters.ts';
import { UeventListener } from './device/uevent-listener.ts';
import { waitForVirtioBlock } from './device/wait-for-virtio-block.ts';
import type { KernelFiles } from './files/kernel-files.ts';
import { sysKernelFiles } from './files/sys-kernel-files.ts';
import { hasMemoryProbe, memoryBlockSizeBytes } from './hotplug/memory-details.ts';
import { onlineCpuMem, type HotplugContext, type OnlineRequest } from './hotplug/online-cpu-mem.ts';
import { limitRate } from './log/rate-limit.ts';
import { refreshSharedMounts } from './storage/refresh-shared-mounts.ts';
import { StorageRegistry } from './storage/storage-registry.ts';
import { STORAGE_DRIVERS } from './storage/storage-drivers.ts';
import type { Storage, StorageContext } from './storage/storage.ts';
import { updateEphemeralMounts } from './storage/update-ephemeral-mounts.ts';

/** How long a mount, an unmount or a look at a share may take; hosts give a request 60 s. */
const BLOCKING_DEADLINE_MS = 30_000;

/** How long mkfs may take; it writes little even on a large disk. */
const PROGRAM_DEADLINE_MS = 50_000;

/** Output of a program that is kept for the error text. */
const PROGRAM_OUTPUT_BYTES = 4096;

export interface GuestOptions {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
  readonly log: Logger;
  readonly config: AgentConfig;
}

/** Who asks for storages, and until when. */
export interface StorageRequest {
  /** Undefined for the sandbox itself. */
  readonly containerId?: string | undefined;
  readonly signal: AbortSignal;
}

/** The VM as the rest of the agent sees it: its storages, devices, CPUs and memory. One for the life of the agent. */
export class Guest {
  readonly #options: GuestOptions;
  readonly #files: KernelFiles = sysKernelFiles;
  readonly #storages = new StorageRegistry(STORAGE_DRIVERS);
  readonly #waiters: DeviceWaiters;
  #uevents: UeventListener | undefined;

  constructor(options: GuestOptions) {
    this.#options = options;
    this.#waiters = new DeviceWaiters((delayMs, onExpiry) => {
      const timer = options.loop.setTimer(delayMs, onExpiry);
      return () => timer.cancel();
    });
  }

  /** Begins to listen for devices. A machine that forbids it (a container) still finds what is there already. */
  listenForDevices(): void {
    const { loop, log } = this.#options;
    const uevents = limitRate(log.child('uevent'), () => loop.now());
    try {
      this.#uevents = new UeventListener(loop, this.#waiters, uevents);
    } catch (error) {
      log.warn('cannot listen for devices', { error: describeError(error) });
    }
  }

  close(): void {
    this.#uevents?.close();
    this.#uevents = undefined;
  }

  /** Names of the storage drivers, for AgentDetails. */
  get storageDriverNames(): string[] {
    return this.#storages.driverNames;
  }

  /** Makes storages available, all or none; gives the mount points to hand to `releaseStorages` later. */
  acquireStorages(storages: readonly Storage[], request: StorageRequest): Promise<string[]> {
    return this.#storages.acquire(storages, this.#storageContext(request));
  }

  /** Gives mount points back, in the order they were created. What cannot be cleaned up is logged; never fails. */
  releaseStorages(mountPoints: readonly string[], request: StorageRequest): Promise<void> {
    return this.#storages.release(mountPoints, this.#storageContext(request));
  }

  /** UpdateEphemeralMounts. */
  updateEphemeralMounts(storages: readonly Storage[], request: StorageRequest): Promise<void> {
    return updateEphemeralMounts(storages, this.#storageContext(request));
  }

  /** RemoveStaleVirtiofsShareMounts. */
  refreshSharedMounts(request: StorageRequest): Promise<void> {
    return refreshSharedMounts(this.#storageContext(request));
  }

  /** OnlineCPUMem; gives the guest's online CPUs as a kernel list. */
  onlineCpuMem(request: OnlineRequest): Promise<string> {
    const { loop } = this.#options;
    const context: HotplugContext = {
      files: this.#files,
      runBlocking: (name, work) => offload(this.#options, name, work, { deadlineMs: BLOCKING_DEADLINE_MS }),
      sleep: (delayMs, signal) => sleep(loop, delayMs, signal),
    };
    return onlineCpuMem(context, request);
  }

  /** Bytes of a hot-pluggable memory block, 0 when there are none; throws `Invalid block size`. */
  memoryBlockSizeBytes(): bigint {
    return memoryBlockSizeBytes(this.#files);
  }

  hasMemoryProbe(): boolean {
    return hasMemoryProbe(this.#files);
  }

  #storageContext(request: StorageRequest): StorageContext {
    const { config, log } = this.#options;
    return {
      containerId: request.containerId,
      signal: request.signal,
      log: log.child('storage'),
      waitForBlockDevice: (pciPath, signal) =>
        waitForVirtioBlock(this.#files, this.#waiters, pciPath, config.hotplugTimeoutMs, signal),
      // Not ended by the request's own signal: what was begun is finished or undone as a whole (design, "Deadlines").
      runBlocking: (name, work, undo) =>
        offload(this.#options, name, work, {
          deadlineMs: BLOCKING_DEADLINE_MS,
          ...(undo === undefined ? {} : { undo }),
        }),
      runProgram: (argv, signal) => this.#runProgram(argv, signal),
    };
  }

  async #runProgram(argv: readonly string[], signal: AbortSignal): Promise<void> {
    const name = argv[0] ?? '';
    const path = INIT_PATH.split(':')
      .map((directory) => `${directory.replace(/\/$/, '')}/${name}`)
      .find((candidate) => exists(candidate));
    if (path === undefined) throw new DomainError('internal', `${name} is not installed in the guest`);
    const result = await runCommand(this.#options, {
      path,
      argv,
      env: [`PATH=${INIT_PATH}`],
      maxOutputBytes: PROGRAM_OUTPUT_BYTES,
      deadlineMs: PROGRAM_DEADLINE_MS,
      signal,
    });
    const { status } = result;
    if (status.kind === 'exited' && status.code === 0) return;
    const how = status.kind === 'exited' ? `exit status ${status.code}` : `signal ${status.signal}`;
    const output = [result.stdout, result.stderr].map((bytes) => decodeBytes(bytes).trim()).join(' ');
    throw new DomainError('internal', `${argv.join(' ')}: ${how}: ${output}`);
  }
}
