import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { KernelConfiguration } from '../configurations.ts';
import { BuildFailure } from './failure.ts';
import { findPvhEntry } from './pvh-note.ts';
import { runCommand } from './run-command.ts';

/** What is remembered about a kernel in the cache. */
export interface KernelRecord {
  readonly configuration: string;
  readonly arch: string;
  readonly kernelVersion: string;
  readonly vmlinuzBytes: number;
  readonly vmlinuxBytes: number;
  readonly buildMs: number;
}

/** Names inside a cache entry, the same for every configuration. */
const ENTRY = { vmlinuz: 'vmlinuz', vmlinux: 'vmlinux', config: 'config', record: 'record.json' } as const;

/**
 * Checks the kernel in `objectFolder` and puts it into the cache entry `entryFolder`, whole or not at all.
 *
 * @throws {BuildFailure} when the bzImage is larger than its limit or the vmlinux has no PVH entry.
 */
export async function storeKernel(
  objectFolder: string,
  entryFolder: string,
  configuration: KernelConfiguration,
  facts: Pick<KernelRecord, 'arch' | 'kernelVersion' | 'buildMs'>,
): Promise<KernelRecord> {
  const image = join(objectFolder, 'arch/x86/boot/bzImage');
  const { size: vmlinuzBytes } = await stat(image);
  if (vmlinuzBytes > configuration.maxBzImageBytes) {
    throw new BuildFailure(
      `bzImage of ${configuration.name} is ${vmlinuzBytes} bytes, the limit is ${configuration.maxBzImageBytes}: take fragments or symbols out`,
    );
  }
  await mkdir(dirname(entryFolder), { recursive: true });
  const partial = await mkdtemp(join(dirname(entryFolder), '.store-'));
  try {
    await copyFile(image, join(partial, ENTRY.vmlinuz));
    await runCommand('strip', ['--strip-all', '-o', join(partial, ENTRY.vmlinux), join(objectFolder, 'vmlinux')]);
    await copyFile(join(objectFolder, '.config'), join(partial, ENTRY.config));
    const vmlinux = await readFile(join(partial, ENTRY.vmlinux));
    if (findPvhEntry(vmlinux) === undefined) {
      throw new BuildFailure(`vmlinux of ${configuration.name} has no PVH entry: QEMU could not start it directly`);
    }
    const record: KernelRecord = {
      configuration: configuration.name,
      vmlinuzBytes,
      vmlinuxBytes: vmlinux.length,
      ...facts,
    };
    await writeFile(join(partial, ENTRY.record), `${JSON.stringify(record, undefined, 2)}\n`);
    await rm(entryFolder, { recursive: true, force: true });
    await rename(partial, entryFolder);
    return record;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Reads a cache entry; undefined when there is none, or one that cannot be read. */
export async function findKernel(entryFolder: string): Promise<KernelRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(join(entryFolder, ENTRY.record), 'utf8')) as KernelRecord;
    const image = await stat(join(entryFolder, ENTRY.vmlinuz));
    return image.size === record.vmlinuzBytes ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Copies a cache entry to its places in the output folder; each file appears whole. Returns the paths written. */
export async function installKernel(
  entryFolder: string,
  outputFolder: string,
  outputs: KernelConfiguration['outputs'],
): Promise<string[]> {
  await mkdir(outputFolder, { recursive: true });
  const written: string[] = [];
  for (const name of ['vmlinuz', 'vmlinux', 'config'] as const) {
    const target = join(outputFolder, outputs[name]);
    const partial = join(outputFolder, `.${basename(target)}.${process.pid}`);
    try {
      await copyFile(join(entryFolder, ENTRY[name]), partial);
      await utimes(partial, new Date(), new Date());
      await rename(partial, target);
    } finally {
      await rm(partial, { force: true });
    }
    written.push(target);
  }
  return written;
}
