import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from './arch.ts';

/** Options that make a compiler of another C library build against musl. */
export interface MuslFlags {
  readonly compile: readonly string[];
  /** Before and after the objects. */
  readonly linkStart: readonly string[];
  readonly linkEnd: readonly string[];
}

const none: MuslFlags = { compile: [], linkStart: [], linkEnd: [] };

/** The flags for an architecture; none where the compiler is musl's own wrapper. Throws when the unpacked musl is missing. */
export function muslFlags(arch: Arch, root: string): MuslFlags {
  if (arch.muslPackage === undefined) return none;
  const cache = process.env['KIHON_CACHE'] ?? join(root, '.cache');
  const musl = join(cache, arch.muslPackage);
  const library = join(musl, 'lib', `${arch.name}-linux-musl`);
  if (!existsSync(join(library, 'libc.a')))
    throw new Error(`musl for ${arch.name} is missing: run \`bash rootfs-builder/setup/install.sh ${arch.name}\``);
  const ofCompiler = execFileSync(arch.muslCompiler, ['-print-file-name=include'], { encoding: 'utf8' }).trim();
  return {
    compile: [
      '-nostdinc',
      ...['-isystem', join(musl, 'include', `${arch.name}-linux-musl`)],
      ...['-isystem', ofCompiler],
      // libgcc's helpers for them ask glibc which instructions the CPU has.
      '-mno-outline-atomics',
    ],
    linkStart: ['-nostdlib', `-L${library}`, join(library, 'crt1.o'), join(library, 'crti.o')],
    linkEnd: ['-Wl,--start-group', '-lc', '-lgcc', '-Wl,--end-group', join(library, 'crtn.o')],
  };
}
