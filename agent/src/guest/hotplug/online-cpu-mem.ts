import type { AbortSignal } from '../../base/abort.ts';
import { DomainError } from '../../base/errors.ts';
import type { KernelFiles } from '../files/kernel-files.ts';
import { countCpuList } from './cpu-list.ts';

const CPU_DIR = '/sys/devices/system/cpu';
const MEMORY_DIR = '/sys/devices/system/memory';

/** How often and how far apart CPUs are looked for (contract storage 9.1): 5 s in all. */
const CPU_ROUNDS = 100;
const CPU_ROUND_MS = 50;

/** What hotplug needs from the rest of the agent. */
export interface HotplugContext {
  readonly files: KernelFiles;
  /** Runs `work` where it may block: bringing up a CPU or a memory block takes milliseconds in the kernel. */
  readonly runBlocking: <T>(name: string, work: () => T) => Promise<T>;
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

export interface OnlineRequest {
  /** CPUs that shall be online in total; 0 leaves them alone. */
  readonly cpuCount: number;
  readonly isCpuOnly: boolean;
  readonly signal: AbortSignal;
}

function onlineCpuList(files: KernelFiles): string {
  return (files.tryRead(`${CPU_DIR}/online`) ?? '').trim();
}

/** Directories of CPUs that are present and offline. A CPU without an `online` file (cpu0) cannot be switched. */
function offlineCpus(files: KernelFiles): string[] {
  return (files.tryList(CPU_DIR) ?? []).filter(
    (name) => /^cpu\d+$/.test(name) && files.tryRead(`${CPU_DIR}/${name}/online`)?.trim() === '0',
  );
}

/** Writes 1 to each file; failures are left for the next round, as some CPUs need several tries while ACPI settles. */
function writeOnes(files: KernelFiles, paths: readonly string[]): void {
  for (const path of paths) {
    try {
      files.write(path, '1');
    } catch {
      // The caller counts again and says what is missing.
    }
  }
}

async function onlineCpus(context: HotplugContext, wanted: number, signal: AbortSignal): Promise<void> {
  const { files } = context;
  const missing = (): number => wanted - countCpuList(onlineCpuList(files));
  for (let round = 0; round < CPU_ROUNDS && missing() > 0; round++) {
    signal.throwIfAborted();
    const paths = offlineCpus(files)
      .slice(0, missing())
      .map((name) => `${CPU_DIR}/${name}/online`);
    if (paths.length > 0) await context.runBlocking('online CPUs', () => writeOnes(files, paths));
    if (missing() > 0) await context.sleep(CPU_ROUND_MS, signal);
  }
  if (missing() > 0) {
    throw new DomainError('internal', `failed to online ${wanted} CPU(s) after ${CPU_ROUNDS} retries`);
  }
}

async function onlineMemory(context: HotplugContext): Promise<void> {
  const { files } = context;
  const paths = (files.tryList(MEMORY_DIR) ?? [])
    .filter((name) => /^memory\d+$/.test(name))
    .map((name) => `${MEMORY_DIR}/${name}/online`)
    .filter((path) => files.tryRead(path)?.trim() === '0');
  if (paths.length > 0) await context.runBlocking('online memory', () => writeOnes(files, paths));
}

/**
 * Brings hot-plugged CPUs and memory into use (OnlineCPUMem, contract storage 9.1). Always waits, at most 5 s for CPUs;
 * memory gets one pass and its failures are not reported. When the CPUs fail, memory is not tried.
 *
 * @returns the guest's online CPUs as a kernel list (`0-3`), for the cpusets of containers.
 */
export async function onlineCpuMem(context: HotplugContext, request: OnlineRequest): Promise<string> {
  if (request.cpuCount > 0) await onlineCpus(context, request.cpuCount, request.signal);
  if (!request.isCpuOnly) await onlineMemory(context);
  return onlineCpuList(context.files);
}
