import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../build/run-command.ts';
import { type DirectorySize, parseSizeOutput, sumByDirectory } from './object-sizes.ts';

/** Archives whose members make up vmlinux (Makefile: KBUILD_VMLINUX_OBJS and KBUILD_VMLINUX_LIBS). */
const ARCHIVES = ['vmlinux.a', 'lib/lib.a'];

/** Command lines stay far below the limit of the system. */
const FILES_AT_ONCE = 500;

/**
 * Measures the objects that a build linked into vmlinux, by folder. `prefix` is that of the architecture's binutils.
 *
 * @throws {BuildFailure} when the tree was not built.
 */
export async function measureObjects(objectFolder: string, prefix: string): Promise<DirectorySize[]> {
  const files: string[] = [];
  for (const archive of ARCHIVES) {
    const isThere = await access(join(objectFolder, archive)).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    await runCommand(`${prefix}ar`, ['t', archive], {
      cwd: objectFolder,
      onLine: (line) => files.push(line),
    });
  }
  const objects = [...new Set(files)].filter((file) => file.endsWith('.o'));
  const sizes = [];
  for (let start = 0; start < objects.length; start += FILES_AT_ONCE) {
    const lines: string[] = [];
    await runCommand(`${prefix}size`, ['--format=berkeley', ...objects.slice(start, start + FILES_AT_ONCE)], {
      cwd: objectFolder,
      onLine: (line) => lines.push(line),
    });
    sizes.push(...parseSizeOutput(lines.join('\n')));
  }
  return sumByDirectory(sizes);
}
