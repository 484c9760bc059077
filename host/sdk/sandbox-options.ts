import { realpathSync, statSync } from 'node:fs';
import { HostError } from '../vm/host-error.ts';
import type { Machine } from '../vm/machine.ts';
import { parseVolume, type Volume } from './volume.ts';

/** What a sandbox shall be. Everything but the root filesystem has a default. */
export interface SandboxOptions {
  /** Directory that becomes the container's root, written to in place. */
  readonly rootfs: string;
  readonly name?: string | undefined;
  /** First process; by default a shell that waits for ever, so that `exec` has a container to work in. */
  readonly args?: readonly string[] | undefined;
  /** `K=V` each. */
  readonly env?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
  /** `USER[:GROUP]`, names or numbers. */
  readonly user?: string | undefined;
  /** `SRC:DST[:ro]` each. */
  readonly volumes?: readonly string[] | undefined;
  readonly hasTerminal?: boolean | undefined;
  readonly isReadOnly?: boolean | undefined;
  readonly memoryMib?: number | undefined;
  readonly cpus?: number | undefined;
  readonly machine?: Machine | undefined;
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  /** Disk image with the agent, instead of an initrd. */
  readonly image?: string | undefined;
  /** The image as an NVDIMM instead of a virtio disk. */
  readonly isNvdimm?: boolean | undefined;
  /** File with the root hash of a measured image, or "none" to boot it unchecked; by default the `root_hash_*.txt` beside it. */
  readonly verity?: string | undefined;
  readonly kernelParameters?: readonly string[] | undefined;
  readonly qemuArguments?: readonly string[] | undefined;
  readonly console?: 'hvc0' | 'ttyS0' | undefined;
  readonly isVerbose?: boolean | undefined;
  readonly bootTimeoutMs?: number | undefined;
  readonly isDetached?: boolean | undefined;
}

export const DEFAULT_MEMORY_MIB = 256;
export const DEFAULT_BOOT_TIMEOUT_MS = 60_000;

/** Least memory a guest boots with, kernel, initrd and agent together. */
const MIN_MEMORY_MIB = 64;

/** A directory that can be a root filesystem, symlinks resolved. @throws HostError */
export function checkRootfs(path: string): string {
  const info = statSync(path, { throwIfNoEntry: false });
  const hint = 'give a directory with a root filesystem in it';
  if (info === undefined) throw new HostError(`no root filesystem at ${path}`, { hint });
  if (!info.isDirectory()) throw new HostError(`${path} is not a directory`, { hint });
  return realpathSync(path);
}

/** Volumes with their sources resolved. @throws HostError */
export function checkVolumes(texts: readonly string[]): Volume[] {
  return texts.map((text) => {
    const volume = parseVolume(text);
    if (statSync(volume.source, { throwIfNoEntry: false }) === undefined) {
      throw new HostError(`volume ${JSON.stringify(text)}: ${volume.source} does not exist`);
    }
    return { ...volume, source: realpathSync(volume.source) };
  });
}

/** Refuses what no VM can be. @throws HostError naming the option */
export function checkOptions(options: SandboxOptions): void {
  const { memoryMib = DEFAULT_MEMORY_MIB, cpus = 1, env = [], cwd = '/', args } = options;
  if (!Number.isInteger(memoryMib) || memoryMib < MIN_MEMORY_MIB) {
    throw new HostError(`memory: ${memoryMib} MiB is less than the ${MIN_MEMORY_MIB} MiB that a guest needs`);
  }
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > 255) throw new HostError(`cpus: ${cpus} is not in 1..255`);
  for (const entry of env) {
    if (!/^[^=]+=/.test(entry)) throw new HostError(`env: ${JSON.stringify(entry)} is not NAME=VALUE`);
  }
  if (!cwd.startsWith('/')) throw new HostError(`workdir: ${cwd} is not absolute`);
  if (args !== undefined && args.length === 0) throw new HostError('no command to run');
}
