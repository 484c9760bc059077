import { BuildError } from '../build-error.ts';
import { moduleName } from './modinfo.ts';
import type { ModuleInfo } from './modinfo.ts';

/** What a kernel offers: modules as files, and names that are in the kernel itself. */
export interface ModuleSource {
  /** True when the kernel has it built in. */
  isBuiltin(name: string): boolean;
  /** True when there is a module of this name. */
  has(name: string): boolean;
  /** Dependencies of a module that `has`. */
  info(name: string): Promise<ModuleInfo>;
}

/** Modules in the order they are to be loaded, and wanted ones that the kernel offers in no form. */
export interface LoadOrder {
  readonly modules: readonly string[];
  readonly absent: readonly string[];
}

/**
 * The wanted modules and all they depend on, each after its dependencies. What is built in is left out. Throws BuildError
 * when a dependency is missing or dependencies go round in a circle.
 */
export async function resolveLoadOrder(source: ModuleSource, wanted: readonly string[]): Promise<LoadOrder> {
  const done = new Set<string>();
  const open: string[] = [];
  const absent: string[] = [];

  const visit = async (name: string): Promise<void> => {
    if (done.has(name)) return;
    if (open.includes(name)) throw new BuildError(`kernel modules: ${[...open, name].join(' needs ')}`);
    open.push(name);
    const { depends, softDepends } = await source.info(name);
    for (const soft of softDepends) {
      // A soft dependency may name an algorithm ("crc32c"), whose portable module is called so. Nobody loads on demand
      // in the guest, so what the kernel would ask modprobe for must be there already.
      const found = [soft, `${soft}_generic`].find((candidate) => source.has(candidate));
      if (found !== undefined && !source.isBuiltin(found) && !open.includes(found)) await visit(found);
    }
    for (const dependency of depends) {
      if (source.has(dependency)) await visit(dependency);
      else if (!source.isBuiltin(dependency))
        throw new BuildError(`kernel module ${name}: needs ${dependency}, which is missing`);
    }
    open.pop();
    done.add(name);
  };

  for (const name of wanted.map(moduleName)) {
    if (source.has(name)) await visit(name);
    else if (!source.isBuiltin(name)) absent.push(name);
  }
  return { modules: [...done], absent };
}
