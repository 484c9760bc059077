/** Puts the guest's parts together: storages, devices, hotplug, and what the API asks of them. */
import { DomainError } from '../../base/errors.ts';
import type { AbortSignal } from '../../base/abort.ts';
import type { Logger } from '../../base/log.ts';
import { decodeBytes } from '../../base/text.ts';
import type { MetricFamily } from '../../codec/prometheus-text.ts';
import type { AgentConfig } from '../../guest/config/agent-config.ts';
import type { ScsiWait } from '../../guest/device/wait-for-scsi-disk.ts';
import { sysKernelFiles } from '../../guest/files/sys-kernel-files.ts';
import type { GuestServices } from '../../guest/guest-services.ts';
import { onlineCpuMem } from '../../guest/hotplug/online-cpu-mem.ts';
import { hasMemoryProbe, memoryBlockSizeBytes } from '../../guest/hotplug/memory-details.ts';
import { writeDns } from '../../guest/network/write-dns.ts';
import { refreshSharedMounts } from '../../guest/storage/refresh-shared-mounts.ts';
import { STORAGE_DRIVERS } from '../../guest/storage/storage-drivers.ts';
import { StorageRegistry } from '../../guest/storage/storage-registry.ts';
import type { StorageContext } from '../../guest/storage/storage.ts';
import { updateEphemeralMounts } from '../../guest/storage/update-ephemeral-mounts.ts';
import { INIT_PATH } from '../../guest/boot/boot-as-init.ts';
import type { SandboxServices } from '../../sandbox/sandbox-services.ts';
import { runCommand } from '../../sys/command.ts';
import { exists } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { offload } from '../../sys/offload.ts';
import { sleep } from '../../sys/readiness.ts';
import type { Reaper } from '../../sys/reaper.ts';
import { createBlockDeviceWaiter, createDeviceWaiters } from './block-devices.ts';

/** Hosts give CreateContainer 60 s (host-runtime, section 2); a hung share must fail before that. */
const BLOCKING_DEADLINE_MS = 30_000;
/** mkfs of a large disk, modprobe of a slow driver. */
const PROGRAM_DEADLINE_MS = 50_000;
/** A removal waits for the look at the host's files that is under way. */
const WATCH_DEADLINE_MS = 5000;
const MAX_PROGRAM_OUTPUT = 4096;

export interface Guest {
  readonly storages: StorageRegistry;
  readonly storageContext: (containerId: string | undefined, signal: AbortSignal) => StorageContext;
  readonly prepareDevices: SandboxServices['prepareDevices'];
  readonly injectCdi: SandboxServices['injectCdi'];
  readonly services: GuestServices;
}

interface Parts {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
  readonly log: Logger;
  readonly config: AgentConfig;
  /** Metrics of parts that the settings switch on. */
  readonly families: () => readonly MetricFamily[];
}

export function createGuest(parts: Parts): Guest {
  const { loop } = parts;
  const storages = new StorageRegistry(STORAGE_DRIVERS);
  const log = parts.log.child('storage');
  const waiters = createDeviceWaiters(loop, parts.log);
  const waitForBlockDevice = createBlockDeviceWaiter(waiters, parts.config.hotplugTimeoutMs);

  /** They watch for all containers, so there is one. */
  let watching: ReturnType<StorageContext['watchables']> | undefined;
  const watchables: StorageContext['watchables'] = () =>
    (watching ??= import('./watchable-services.ts').then(
      ({ Watchables, POLL_MS }) =>
        new Watchables({
          log,
          pollMs: POLL_MS,
          startTimer: (delayMs, onExpiry) => {
            const timer = loop.setTimer(delayMs, onExpiry);
            return () => timer.cancel();
          },
          runBlocking: (name, work) =>
            offload(parts, name, work, { deadlineMs: WATCH_DEADLINE_MS, waitsForRoom: true }),
        }),
    ));

  const storageContext = (containerId: string | undefined, signal: AbortSignal): StorageContext => ({
    containerId,
    signal,
    log,
    waitForBlockDevice,
    waitForScsiDisk: async (address, waitSignal) =>
      (await import('./device-services.ts')).waitForScsiDisk(deviceParts(), address, waitSignal),
    waitForBlockNode: async (node, waitSignal) => {
      const { waitForBlockNode } = await import('./device-services.ts');
      return waitForBlockNode(sysKernelFiles, waiters(), node, parts.config.hotplugTimeoutMs, waitSignal);
    },
    watchables,
    sleep: (ms, sleepSignal) => sleep(loop, ms, sleepSignal),
    // Not ended by the request's own signal: what was begun is finished or undone as a whole, and a roll-back after a
    // disconnect must still run (design, "Deadlines and disconnects").
    runBlocking: (name, work, undo) =>
      offload(parts, name, work, { deadlineMs: BLOCKING_DEADLINE_MS, undo, waitsForRoom: true }),
    runProgram: (argv, programSignal) => runProgram(parts, argv, programSignal),
  });

  /** For work that changes things: it is not ended by its caller's going away. */
  const runBlocking = <T>(name: string, work: () => T): Promise<T> =>
    offload(parts, name, work, { deadlineMs: BLOCKING_DEADLINE_MS, waitsForRoom: true });
  const deviceParts = (): ScsiWait => ({
    files: sysKernelFiles,
    waiters: waiters(),
    timeoutMs: parts.config.hotplugTimeoutMs,
    runBlocking,
  });
  // One of each: uploads that are under way live in the first, the second counts its scrapes.
  const files = loadOnce(async () => {
    const { createFileServices } = await import('./file-services.ts');
    return createFileServices({ loop, runBlocking });
  });
  const metrics = loadOnce(async () => {
    const { createMetricsServices } = await import('./metrics-services.ts');
    return createMetricsServices(parts);
  });

  const services: GuestServices = {
    loadKernelModule: (name, parameters, signal) => loadKernelModule(parts, name, parameters, signal),
    writeDns,
    updateEphemeralMounts: (list, signal) => updateEphemeralMounts(list, storageContext(undefined, signal)),
    refreshShareMounts: (signal) => refreshSharedMounts(storageContext(undefined, signal)),
    network: async () => {
      // Read when a host first asks for it.
      const { createNetworkServices } = await import('./network-services.ts');
      return createNetworkServices({ ...parts, waiters });
    },
    files,
    machine: async () => {
      const { createMachineServices } = await import('./machine-services.ts');
      return createMachineServices({
        waitForBlockDevice,
        runBlocking,
        runProgram: (argv, programSignal) => runProgram(parts, argv, programSignal),
      });
    },
    metrics,
    memoryBlockSizeBytes: () => memoryBlockSizeBytes(sysKernelFiles),
    supportsMemoryProbe: () => hasMemoryProbe(sysKernelFiles),
    onlineCpuMem: async (request) => {
      await onlineCpuMem(
        {
          files: sysKernelFiles,
          runBlocking: (name, work) =>
            offload(parts, name, work, { deadlineMs: BLOCKING_DEADLINE_MS, signal: request.signal }),
          sleep: (ms, signal) => sleep(loop, ms, signal),
        },
        request,
      );
    },
  };
  const prepareDevices: Guest['prepareDevices'] = async (spec, devices, signal) => {
    // Read when the first container with a device comes.
    const { prepareDevices: prepare } = await import('./device-services.ts');
    return prepare(spec, devices, { ...deviceParts(), log: parts.log.child('device'), signal });
  };
  const injectCdi: Guest['injectCdi'] = async (spec, signal) => {
    const { cdiTimeoutMs, readsCdiEnvironment } = parts.config;
    if (!readsCdiEnvironment && !namesCdiDevices(spec.annotations)) return spec;
    const { injectCdi: inject } = await import('../../sandbox/devices/inject-cdi.ts');
    return inject(spec, {
      files: sysKernelFiles,
      timeoutMs: cdiTimeoutMs,
      readsEnvironment: readsCdiEnvironment,
      sleep: (ms, sleepSignal) => sleep(loop, ms, sleepSignal),
      signal,
    });
  };
  return { storages, storageContext, prepareDevices, injectCdi, services };
}

/** Whether annotations name devices at all: what reads them is loaded for containers that do. */
function namesCdiDevices(annotations: ReadonlyMap<string, string>): boolean {
  for (const key of annotations.keys()) if (key.startsWith('cdi.k8s.io/')) return true;
  return false;
}

/** Runs `load` when it is first asked for, and keeps what it gave; a failure is not kept. */
function loadOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}

/** The program's absolute path in the directories PID 1 knows; never the caller's or a container's. */
function findProgram(name: string): string {
  const path = name.startsWith('/')
    ? name
    : INIT_PATH.split(':')
        .map((directory) => `${directory.replace(/\/$/, '')}/${name}`)
        .find((candidate) => exists(candidate));
  if (path === undefined || !exists(path)) throw new DomainError('internal', `${name}: not in this guest's image`);
  return path;
}

async function runProgram(parts: Parts, argv: readonly string[], signal: AbortSignal): Promise<void> {
  const path = findProgram(argv[0] ?? '');
  const result = await runCommand(parts, {
    path,
    argv,
    env: [],
    maxOutputBytes: MAX_PROGRAM_OUTPUT,
    deadlineMs: PROGRAM_DEADLINE_MS,
    signal,
  });
  if (result.status.kind === 'exited' && result.status.code === 0) return;
  const how = result.status.kind === 'exited' ? `exit code ${result.status.code}` : `signal ${result.status.signal}`;
  const output = `stdout: ${decodeBytes(result.stdout).trim()} stderr: ${decodeBytes(result.stderr).trim()}`;
  throw new DomainError('internal', `${argv.join(' ')}: ${how}, ${output}`);
}

/** `modprobe -v NAME PARAMETERS` of the image (boot contract, section 9). The name is no option and no path (API-09). */
async function loadKernelModule(
  parts: Parts,
  name: string,
  parameters: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(name))
    throw new DomainError('invalid_argument', `kernel module name ${JSON.stringify(name)} is not a module name`);
  await runProgram(parts, ['/sbin/modprobe', '-v', '--', name, ...parameters], signal);
}
