import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Architecture } from '../architecture.ts';
import type { KernelConfiguration, KernelOutputs } from '../configurations.ts';
import { measureObjects } from '../size/measure-objects.ts';
import type { Toolchain } from './compiler.ts';
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
const ENTRY: Required<KernelOutputs> & { readonly record: string } = {
  vmlinuz: 'vmlinuz',
  vmlinux: 'vmlinux',
  config: 'config',
  systemMap: 'System.map',
  sizes: 'sizes.json',
  lines: 'vmlinux.debug',
  record: 'record.json',
};

const INSTALLED = ['vmlinuz', 'vmlinux', 'config', 'systemMap', 'sizes', 'lines'] as const;

/** What an output folder gets: each file's name in a cache entry, and there. */
function installedFiles(outputs: KernelOutputs): { readonly inside: string; readonly name: string }[] {
  return INSTALLED.flatMap((key) => {
    const name = outputs[key];
    return name === undefined ? [] : [{ inside: ENTRY[key], name }];
  });
}

export interface StoreOptions {
  readonly objectFolder: string;
  readonly entryFolder: string;
  readonly configuration: KernelConfiguration;
  readonly architecture: Architecture;
  readonly toolchain: Toolchain;
  /** What the compressed image may weigh; it counts on x86_64 only. */
  readonly maxImageBytes: number;
  readonly facts: Pick<KernelRecord, 'kernelVersion' | 'buildMs'>;
}

/**
 * Checks the kernel in `objectFolder` and puts it into the cache entry `entryFolder`, whole or not at all.
 *
 * @throws {BuildFailure} when the image is larger than its limit or the vmlinux lacks its PVH entry.
 */
export async function storeKernel(options: StoreOptions): Promise<KernelRecord> {
  const { objectFolder, entryFolder, configuration, architecture, toolchain, facts } = options;
  const image = join(objectFolder, architecture.compressed ?? architecture.direct);
  const { size } = await stat(image);
  if (architecture.name === 'x86_64' && size > options.maxImageBytes) {
    throw new BuildFailure(
      `bzImage of ${configuration.name} is ${size} bytes, the limit is ${options.maxImageBytes}: take fragments or symbols out`,
    );
  }
  await mkdir(dirname(entryFolder), { recursive: true });
  const partial = await mkdtemp(join(dirname(entryFolder), '.store-'));
  const inEntry = (name: keyof typeof ENTRY): string => join(partial, ENTRY[name]);
  try {
    const direct = join(objectFolder, architecture.direct);
    if (architecture.isStripped) {
      await runCommand(`${toolchain.prefix}strip`, ['--strip-all', '-o', inEntry('vmlinux'), direct]);
    } else {
      await copyFile(direct, inEntry('vmlinux'));
    }
    await copyFile(architecture.compressed === undefined ? inEntry('vmlinux') : image, inEntry('vmlinuz'));
    await copyFile(join(objectFolder, '.config'), inEntry('config'));
    await copyFile(join(objectFolder, 'System.map'), inEntry('systemMap'));
    if (configuration.outputs.lines !== undefined) {
      const keepLines = ['--only-keep-debug', '--compress-debug-sections=zlib'];
      await runCommand(`${toolchain.prefix}objcopy`, [...keepLines, join(objectFolder, 'vmlinux'), inEntry('lines')]);
    }
    const vmlinux = await readFile(inEntry('vmlinux'));
    if (architecture.hasPvh && findPvhEntry(vmlinux) === undefined) {
      throw new BuildFailure(`vmlinux of ${configuration.name} has no PVH entry: QEMU could not start it directly`);
    }
    const { size: vmlinuzBytes } = await stat(inEntry('vmlinuz'));
    const record: KernelRecord = {
      configuration: configuration.name,
      arch: architecture.name,
      vmlinuzBytes,
      vmlinuxBytes: vmlinux.length,
      ...facts,
    };
    const sizes = { ...record, buildMs: undefined, directories: await measureObjects(objectFolder, toolchain.prefix) };
    await writeFile(inEntry('sizes'), `${JSON.stringify(sizes, undefined, 1)}\n`);
    await writeFile(inEntry('record'), `${JSON.stringify(record, undefined, 2)}\n`);
    await rm(entryFolder, { recursive: true, force: true });
    await rename(partial, entryFolder);
    return record;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Reads a cache entry; undefined when there is none, or one that lacks something of `outputs`. */
export async function findKernel(entryFolder: string, outputs: KernelOutputs): Promise<KernelRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(join(entryFolder, ENTRY.record), 'utf8')) as KernelRecord;
    for (const { inside } of installedFiles(outputs)) await stat(join(entryFolder, inside));
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
  outputs: KernelOutputs,
): Promise<string[]> {
  await mkdir(outputFolder, { recursive: true });
  const written: string[] = [];
  for (const { inside, name } of installedFiles(outputs)) {
    const target = join(outputFolder, name);
    const partial = join(outputFolder, `.${basename(target)}.${process.pid}`);
    try {
      await copyFile(join(entryFolder, inside), partial);
      await utimes(partial, new Date(), new Date());
      await rename(partial, target);
    } finally {
      await rm(partial, { force: true });
    }
    written.push(target);
  }
  return written;
}
