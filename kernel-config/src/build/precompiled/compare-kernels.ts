import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, buildKernel } from '../build-kernel.ts';
import { compareObjects } from './compare-objects.ts';
import { readsPrecompiled } from './make-variables.ts';

/** What a kernel with precompiled headers has in common with one without. */
export interface KernelComparison {
  /** Objects of both. */
  readonly objects: number;
  /** Of them, those that were compiled with precompiled headers. */
  readonly precompiled: number;
  /** Objects that differ in more than numbers in names, and in what. */
  readonly differences: readonly { readonly object: string; readonly difference: string }[];
  /** Bytes of the stripped `vmlinux` that differ; undefined when it is not as long. */
  readonly differentBytes: number | undefined;
  readonly vmlinuxBytes: number;
}

/**
 * Builds a kernel twice from nothing, with precompiled headers and without, and compares every object and the kernel.
 *
 * @throws as {@link buildKernel} does.
 */
export async function comparePrecompiled(request: BuildOptions): Promise<KernelComparison> {
  const scratch = await mkdtemp(join(tmpdir(), 'kihon-compare-'));
  try {
    const build = async (
      name: string,
      isWithoutPrecompiled: boolean,
    ): Promise<{ objects: string; vmlinux: Buffer }> => {
      let objects = '';
      await buildKernel({
        ...{ ...request, output: join(scratch, name), isFresh: true, isWithoutPrecompiled },
        report: (event) => {
          if (event.event === 'building') objects = event.objects;
          request.report?.(event);
        },
      });
      const files = await readdir(join(scratch, name));
      const vmlinux = files.find((file) => file.startsWith('vmlinux') && !file.endsWith('.debug')) ?? 'vmlinux';
      return { objects, vmlinux: await readFile(join(scratch, name, vmlinux)) };
    };
    // Last the one that the next build goes on from.
    const without = await build('without', true);
    const together = await build('with', false);
    const compared = await compareFolders(without.objects, together.objects);
    await rm(without.objects, { recursive: true, force: true });
    return {
      ...compared,
      differentBytes: countDifferences(without.vmlinux, together.vmlinux),
      vmlinuxBytes: together.vmlinux.length,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Compares the objects that two object folders have a compiler's command for. */
export async function compareFolders(
  without: string,
  together: string,
): Promise<Pick<KernelComparison, 'objects' | 'precompiled' | 'differences'>> {
  const differences: { object: string; difference: string }[] = [];
  let objects = 0;
  let precompiled = 0;
  for (const command of await readdir(without, { recursive: true })) {
    const [, folder = '', name] = /^(.*\/|)\.([^/]+\.o)\.cmd$/.exec(command) ?? [];
    // What unpacks the kernel holds it, build ID and all. The program that brings up processors is compared in the object that has its
    // image (rmpiggy.o): its own objects name their folder, for debuggers.
    if (name === undefined || /^(?:scripts|tools|arch\/\w+\/boot|arch\/\w+\/realmode\/rm)\//.test(folder)) continue;
    const object = `${folder}${name}`;
    const [one, other, text] = await Promise.all([
      readFile(join(without, object)).catch(() => undefined),
      readFile(join(together, object)).catch(() => undefined),
      readFile(join(together, command), 'utf8').catch(() => ''),
    ]);
    if (!one) continue;
    objects++;
    if (readsPrecompiled(text)) precompiled++;
    const difference = other ? compareAny(one, other) : 'it is only there without precompiled headers';
    if (difference !== undefined) differences.push({ object, difference });
  }
  return { objects, precompiled, differences };
}

/** Byte 4 of an ELF file's identification (elf(5)) in one of 64 bits. */
const ELFCLASS64 = 2;

function compareAny(one: Buffer, other: Buffer): string | undefined {
  if (one.equals(other)) return undefined;
  // Those of 32 bits have no precompiled headers: nothing in them may differ.
  return one[4] === ELFCLASS64 ? compareObjects(one, other) : 'an object of 32 bits has other bytes';
}

function countDifferences(one: Buffer, other: Buffer): number | undefined {
  if (one.length !== other.length) return undefined;
  let count = 0;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) count++;
  return count;
}
