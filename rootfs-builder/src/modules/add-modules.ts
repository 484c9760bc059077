import { BuildError } from '../build-error.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { resolveLoadOrder } from './load-order.ts';
import { moduleName } from './modinfo.ts';
import { ModuleDirectory } from './module-directory.ts';

/**
 * What our own host side needs of a guest kernel, most urgent first: the bus, vsock for the API, shared folders, then
 * disks, network and file systems. A kernel may have any of them built in or, where it has no use for it, not at all.
 */
export const DEFAULT_MODULES = [
  'virtio_pci',
  'virtio_mmio',
  'vmw_vsock_virtio_transport',
  'fuse',
  'virtiofs',
  'virtio_console',
  'virtio_blk',
  'virtio_net',
  'virtio_rng',
  'overlay',
  '9p',
  '9pnet_virtio',
  'ext4',
  'erofs',
] as const;

/** The list that the agent's boot reads: a module's path and, after a space, its parameters, one on a line. */
export const LOAD_LIST_PATH = 'lib/modules/kihon.load';

/** Which modules go into a tree. */
export interface ModulesOptions {
  /** `/lib/modules` of a kernel, or the folder of one release below it. */
  readonly directory: string;
  /** Needed when `directory` holds several releases. */
  readonly release?: string;
  /** Modules that must be there, loaded after the default ones; "name parameter=value ..." passes parameters. */
  readonly extra?: readonly string[];
}

/** What was put into the tree. */
export interface AddedModules {
  readonly release: string;
  /** Names in load order. */
  readonly modules: readonly string[];
  /** Default modules that this kernel offers neither as a module nor built in. */
  readonly absent: readonly string[];
}

/**
 * Puts modules and what they depend on into the tree, uncompressed (the initrd is compressed as a whole), with the load
 * list and a modules.dep. Throws BuildError when an extra module is missing.
 */
export async function addModules(tree: FileTree, options: ModulesOptions): Promise<AddedModules> {
  const source = await ModuleDirectory.open(options.directory, options.release);
  const parameters = new Map((options.extra ?? []).map(splitParameters));
  const { modules, absent } = await resolveLoadOrder(source, [...DEFAULT_MODULES, ...parameters.keys()]);
  const lost = absent.find((name) => parameters.has(name));
  if (lost !== undefined) throw new BuildError(`kernel module ${lost}: kernel ${source.release} does not have it`);

  const root = `lib/modules/${source.release}`;
  const loads: string[] = [];
  const dependencies: string[] = [];
  for (const name of modules) {
    tree.file(tree.locate(`${root}/${source.path(name)}`), await source.content(name));
    loads.push([`/${root}/${source.path(name)}`, parameters.get(name) ?? ''].join(' ').trimEnd());
    const { depends } = await source.info(name);
    const paths = depends.filter((other) => source.has(other)).map((other) => source.path(other));
    dependencies.push(`${source.path(name)}:${paths.map((path) => ` ${path}`).join('')}`);
  }
  tree.file(tree.locate(LOAD_LIST_PATH), loads.map((line) => `${line}\n`).join(''));
  tree.file(tree.locate(`${root}/modules.dep`), dependencies.map((line) => `${line}\n`).join(''));
  return { release: source.release, modules, absent };
}

function splitParameters(text: string): [string, string] {
  const [name = '', ...parameters] = text.trim().split(/\s+/);
  if (!/^[\w-]+$/.test(name)) throw new BuildError(`kernel module ${JSON.stringify(text)}: not a module name`);
  return [moduleName(name), parameters.join(' ')];
}
