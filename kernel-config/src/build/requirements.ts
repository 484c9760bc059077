import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { BuildFailure } from './failure.ts';

/** A program or file that work needs, and the Debian package that has it. */
export interface Requirement {
  readonly found: (environment: NodeJS.ProcessEnv) => Promise<boolean>;
  readonly what: string;
  readonly debianPackage: string;
}

/** What compiling a kernel takes. */
export const BUILD_REQUIREMENTS: readonly Requirement[] = [
  program('make', 'make'),
  program('gcc', 'gcc'),
  program('ld', 'binutils'),
  program('flex', 'flex'),
  program('bison', 'bison'),
  program('bc', 'bc'),
  program('xz', 'xz-utils'),
  program('zstd', 'zstd'),
  program('patch', 'patch'),
  file('/usr/include/gelf.h', 'libelf-dev'),
];

/** What starting one takes. */
export const BOOT_REQUIREMENTS: readonly Requirement[] = [program('qemu-system-x86_64', 'qemu-system-x86')];

/**
 * Checks the tools before the first minute is spent.
 *
 * @throws {BuildFailure} naming all that is missing, and the command that installs it.
 */
export async function checkRequirements(
  requirements: readonly Requirement[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const missing: Requirement[] = [];
  for (const requirement of requirements) {
    if (!(await requirement.found(environment))) missing.push(requirement);
  }
  if (missing.length === 0) return;
  const names = missing.map(({ what }) => what).join(', ');
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))].join(' ');
  throw new BuildFailure(`missing: ${names}; get it with: apt-get install ${packages}`);
}

/** A program to be found in PATH. */
export function program(name: string, debianPackage: string): Requirement {
  return {
    what: name,
    debianPackage,
    found: async ({ PATH = '' }) => {
      for (const folder of PATH.split(delimiter)) {
        if (folder !== '' && (await isAccessible(join(folder, name), constants.X_OK))) return true;
      }
      return false;
    },
  };
}

function file(path: string, debianPackage: string): Requirement {
  return { what: path, debianPackage, found: () => isAccessible(path, constants.R_OK) };
}

async function isAccessible(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
