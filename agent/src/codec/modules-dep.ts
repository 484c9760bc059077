/** A module and what must be loaded before it. */
export interface ModuleEntry {
  /** Path as in the file, relative to `/lib/modules/RELEASE`. */
  readonly path: string;
  /** Paths of the modules it needs, in the file's order: the last one is to be loaded first. */
  readonly dependencies: readonly string[];
}

/** `virtio_net` of `kernel/drivers/net/virtio-net.ko.xz`: names do not tell `-` from `_` (modprobe(8)). */
export function moduleName(pathOrName: string): string {
  const file = pathOrName.slice(pathOrName.lastIndexOf('/') + 1);
  const dot = file.indexOf('.');
  return (dot < 0 ? file : file.slice(0, dot)).replaceAll('-', '_');
}

/** Parses `modules.dep` (modules.dep(5)): `path: dependency dependency ...`. Keyed by module name; lines without a colon are left out. */
export function parseModulesDep(text: string): Map<string, ModuleEntry> {
  const modules = new Map<string, ModuleEntry>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const path = line.slice(0, colon).trim();
    const dependencies = line
      .slice(colon + 1)
      .split(' ')
      .filter((word) => word !== '');
    modules.set(moduleName(path), { path, dependencies });
  }
  return modules;
}

/**
 * Paths to load for `name`, in order, ending with the module itself; undefined for a module that is not listed. The file lists transitive dependencies, but the order is
 * made by walking them, so a file written by hand works too; a cycle ends where it began.
 */
export function moduleLoadOrder(modules: ReadonlyMap<string, ModuleEntry>, name: string): string[] | undefined {
  const entry = modules.get(moduleName(name));
  if (entry === undefined) return undefined;
  const order: string[] = [];
  const seen = new Set<string>();
  // Explicit stack: the depth is the file's choice. The second visit of an entry comes after its dependencies.
  const stack: { readonly entry: ModuleEntry; readonly isDone: boolean }[] = [{ entry, isDone: false }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.isDone) {
      order.push(top.entry.path);
      continue;
    }
    if (seen.has(top.entry.path)) continue;
    seen.add(top.entry.path);
    stack.push({ entry: top.entry, isDone: true });
    for (const dependency of top.entry.dependencies) {
      const known = modules.get(moduleName(dependency)) ?? { path: dependency, dependencies: [] };
      if (!seen.has(known.path)) stack.push({ entry: known, isDone: false });
    }
  }
  return order;
}
