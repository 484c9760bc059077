import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '../architecture.ts';
import type { KernelConfiguration } from '../configurations.ts';
import { isBefore, parseSeries } from '../fragment/allowed-missing.ts';
import { BuildFailure } from './failure.ts';

/** The list in the repository. */
export const COLD_CODE_FILE = join(import.meta.dirname, '..', '..', 'cold-code.conf');

/**
 * Reads the list of sources that are compiled for size: a folder with a slash at its end, or one C file, in each line; `#` begins
 * a comment line. Gives patterns of object files as make's `filter` takes them: `drivers/acpi/%`, `kernel/cpu.o`.
 *
 * @throws {BuildFailure} naming the line.
 */
export function parseColdCode(text: string): string[] {
  const patterns = new Set<string>();
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const where = `cold-code.conf, line ${index + 1}`;
    // What make or a shell would read as something else stays out of make's variables.
    if (!/^[a-z][\w-]*(?:\/[\w-]+)*(?:\/|\/[\w-]+\.c)$/.test(line)) {
      throw new BuildFailure(`${where}: "${line}" is neither a folder with a slash at its end nor a C file`);
    }
    const pattern = line.endsWith('/') ? `${line}%` : line.replace(/\.c$/, '.o');
    if (patterns.has(pattern)) throw new BuildFailure(`${where}: "${line}" is there twice`);
    patterns.add(pattern);
  });
  return [...patterns];
}

/**
 * Flags for the compiler that change a kernel's code; empty where it is compiled as its source says. They are for make's variable
 * CFLAGS_KERNEL (Documentation/kbuild/kbuild.rst), which comes after the kernel's own `-O2`, reaches every Makefile as it is and is
 * expanded for each object, whose path in the tree is `$@`. KCFLAGS would be expanded long before, where there is no object yet.
 */
export async function codeFlags(
  { smallColdCodeSince }: KernelConfiguration,
  architecture: Architecture,
  series: string,
): Promise<string> {
  const first = parseSeries(smallColdCodeSince ?? '');
  const current = parseSeries(series);
  // Only on x86_64 the size of the image has a limit.
  if (!first || !current || isBefore(current, first) || architecture.name !== 'x86_64') return '';
  const patterns = parseColdCode(await readFile(COLD_CODE_FILE, 'utf8'));
  return `$(if $(filter ${patterns.join(' ')},$@),-Os)`;
}
