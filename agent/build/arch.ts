/** What differs between the architectures when building the agent. */
export interface Arch {
  /** Kernel's and our own name. */
  readonly name: 'x86_64' | 'aarch64';
  /** C compiler for kernel constants (any libc). */
  readonly headerCompiler: string;
  /** C compiler that links statically against musl. */
  readonly muslCompiler: string;
  readonly strip: string;
  /** Kernel headers of the architecture (`asm/`). */
  readonly asmHeaders: string;
}

const arches: Readonly<Record<Arch['name'], Arch>> = {
  x86_64: {
    name: 'x86_64',
    headerCompiler: 'gcc',
    muslCompiler: 'musl-gcc',
    strip: 'strip',
    asmHeaders: '/usr/include/x86_64-linux-gnu',
  },
  aarch64: {
    name: 'aarch64',
    headerCompiler: 'aarch64-linux-gnu-gcc',
    muslCompiler: 'aarch64-linux-gnu-gcc',
    strip: 'aarch64-linux-gnu-strip',
    asmHeaders: '/usr/aarch64-linux-gnu/include',
  },
};

/** The architecture called `name`; an error lists what exists. */
export function archByName(name: string): Arch {
  const arch = Object.values(arches).find((candidate) => candidate.name === name);
  if (arch === undefined)
    throw new Error(`unknown architecture ${name}: one of ${Object.keys(arches).join(', ')} is expected`);
  return arch;
}
