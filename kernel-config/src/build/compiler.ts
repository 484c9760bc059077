import { type Architecture, hostArchitecture } from '../architecture.ts';
import { type Requirement, program } from './requirements.ts';

/** How make is told of architecture and compiler. */
export interface Toolchain {
  /** Variables for make. */
  readonly variables: readonly string[];
  /** Put before `size`, `strip` and `objcopy`. */
  readonly prefix: string;
  /** Whether the compiler makes code for the architecture; else it only answers Kconfig's questions about compilers. */
  readonly canBuild: boolean;
}

/**
 * Flags that spare the compiler work and change no code: gcc else follows every token through the macros it came
 * from, for its messages and `__LINE__` within a macro's arguments, and reads all sources a second time for a warning about
 * their indentation. The kernel's headers are macros mostly, so that was an eighth of a build's processor time.
 */
const SPARING = '-ftrack-macro-expansion=0 -Wno-misleading-indentation';

/** Variables for make that tell the compiler how to work: sparingly, and with the flags of this kernel (`codeFlags`). */
export function compilerVariables(flags: string): string[] {
  return [`KCFLAGS=${SPARING}`, ...(flags === '' ? [] : [`CFLAGS_KERNEL=${flags}`])];
}

/** The compiler of an architecture: this machine's own, or the cross compiler where it is installed. */
export async function findToolchain(architecture: Architecture): Promise<Toolchain> {
  const arch = `ARCH=${architecture.makeArch}`;
  if (architecture.name === hostArchitecture()) return { variables: [arch], prefix: '', canBuild: true };
  const prefix = architecture.crossPrefix;
  const canBuild = await crossRequirement(architecture).found(process.env);
  return canBuild
    ? { variables: [arch, `CROSS_COMPILE=${prefix}`], prefix, canBuild }
    : { variables: [arch], prefix: '', canBuild };
}

/** What a build for the architecture needs on this machine besides the kernel's other tools. */
export function compilerRequirements(architecture: Architecture): Requirement[] {
  return architecture.name === hostArchitecture() ? [] : [crossRequirement(architecture)];
}

function crossRequirement({ crossPrefix, crossPackage }: Architecture): Requirement {
  return program(`${crossPrefix}gcc`, crossPackage);
}
