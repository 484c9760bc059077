/** What differs between the architectures when building the agent. */
export interface Arch {
  /** Kernel's and our own name. */
  readonly name: 'x86_64' | 'aarch64';
  /** Node's name, to know whether this machine runs it. */
  readonly nodeName: NodeJS.Architecture;
  /** C compiler for kernel constants (any libc). */
  readonly headerCompiler: string;
  /** Options that make this machine's compiler see the architecture's kernel headers. */
  readonly headerFlags: readonly string[];
  /** C compiler that links statically against musl, with the help of `musl`. */
  readonly muslCompiler: string;
  /** Where an unpacked musl lies below the cache, for a compiler that comes with another C library. */
  readonly muslPackage: string | undefined;
  readonly strip: string;
  /** Kernel headers of the architecture (`asm/`). */
  readonly asmHeaders: string;
}

const arches: Readonly<Record<Arch['name'], Arch>> = {
  x86_64: {
    name: 'x86_64',
    nodeName: 'x64',
    headerCompiler: 'gcc',
    headerFlags: [],
    muslCompiler: 'musl-gcc',
    muslPackage: undefined,
    strip: 'strip',
    asmHeaders: '/usr/include/x86_64-linux-gnu',
  },
  aarch64: {
    name: 'aarch64',
    nodeName: 'arm64',
    // The constants are numbers, the same whatever the compiler makes code for; only the headers must be the target's.
    headerCompiler: 'gcc',
    headerFlags: ['-isystem', '/usr/aarch64-linux-gnu/include'],
    muslCompiler: 'aarch64-linux-gnu-gcc',
    muslPackage: 'debs/musl-dev-arm64/current/usr',
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
