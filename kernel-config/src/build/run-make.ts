import type { Architecture } from '../architecture.ts';
import { DEFAULT_SERIES, type KernelConfiguration } from '../configurations.ts';
import { BuildFailure } from './failure.ts';
import type { KernelReport } from './kernel-event.ts';
import { countUsers, precompileHeaders, withdraw } from './precompiled/precompile.ts';
import { runCommand } from './run-command.ts';

export interface MakeOptions {
  readonly sourceFolder: string;
  readonly objectFolder: string;
  readonly architecture: Architecture;
  readonly jobs: number;
  /** Variables for make: of the architecture, the compiler and the build. */
  readonly variables: readonly string[];
  /** Whether headers may be compiled once for most objects. */
  readonly isPrecompiled: boolean;
  /** Whether some objects are compiled for size. */
  readonly hasSmallCode: boolean;
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
  readonly report?: KernelReport;
}

/**
 * Whether a kernel's headers may be compiled once for most of its objects: where it was compared with one that is built
 * without (`compare`), so in the configurations that say so, on the architecture they were compared on, and without anything of
 * somebody's own in them.
 */
export function mayPrecompile(
  request: {
    readonly extraFragments?: readonly string[];
    readonly patches?: readonly string[];
    readonly tarball?: string;
    readonly series?: string;
  },
  { precompiledSeries = [] }: KernelConfiguration,
  { name }: Architecture,
): boolean {
  const { extraFragments = [], patches = [], tarball, series = DEFAULT_SERIES } = request;
  const isOurs = extraFragments.length === 0 && patches.length === 0 && tarball === undefined;
  return precompiledSeries.includes(series) && name === 'x86_64' && isOurs;
}

/**
 * Builds what the architecture needs of a kernel that is configured, with precompiled headers where that is allowed. An object that
 * cannot be compiled with them is compiled without, and if anything else fails with them the build goes on without: they save time, and
 * nothing depends on them.
 *
 * @throws {BuildFailure} with the compiler's last lines, {BuildInterrupted} after `signal`.
 */
export async function runMake(options: MakeOptions): Promise<void> {
  const { sourceFolder, objectFolder, architecture, jobs, variables, onLine, signal, report } = options;
  const make = async (
    targets: readonly string[],
    more: readonly string[],
    take: (line: string) => void,
  ): Promise<void> =>
    runCommand('make', ['-C', sourceFolder, `O=${objectFolder}`, `-j${jobs}`, ...variables, ...more, ...targets], {
      onLine: take,
      ...(signal ? { signal } : {}),
    });
  if (options.isPrecompiled) {
    try {
      // The last headers are made here.
      await make(['prepare'], [], onLine);
      const precompiled = await precompileHeaders({
        ...{ sourceFolder, objectFolder, architecture, hasSmallCode: options.hasSmallCode },
        ...(signal ? { signal } : {}),
      });
      let refused = 0;
      let failed: string[] = [];
      const build = (): Promise<void> =>
        make(architecture.targets, precompiled.variables, (line) => {
          if (REFUSAL.test(line)) refused++;
          const object = FAILED_OBJECT.exec(line)?.[1];
          if (object !== undefined) failed.push(object);
          onLine(line);
        });
      for (let isBuilt = false; !isBuilt;) {
        failed = [];
        try {
          await build();
          isBuilt = true;
        } catch (error) {
          // A source may have a name of its own for what a header defines that it does not include.
          if (!(error instanceof BuildFailure) || (await withdraw(objectFolder, failed)) === 0) throw error;
        }
      }
      const users = await countUsers(objectFolder, precompiled.eligible);
      report?.({ event: 'precompiled', objects: users - refused, refused });
      return;
    } catch (error) {
      if (!(error instanceof BuildFailure)) throw error;
      report?.({ event: 'not-precompiled', reason: error.message });
    }
  }
  await make(architecture.targets, [], onLine);
}

/** What gcc says of a precompiled header that it does not use (`-Winvalid-pch`). */
const REFUSAL = /^cc1: warning: .*\[-Winvalid-pch\]/;

/** What make says of an object that could not be compiled. */
const FAILED_OBJECT = /^make\[\d+\]: \*\*\* \[.*: (\S+\.o)\] Error \d+$/;
