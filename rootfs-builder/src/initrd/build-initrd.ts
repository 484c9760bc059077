import { compress } from '../compress/compress.ts';
import type { Compression } from '../compress/compress.ts';
import { writeTree } from '../cpio/write-tree.ts';
import { BuildError } from '../build-error.ts';
import { addModules } from '../modules/add-modules.ts';
import type { AddedModules, ModulesOptions } from '../modules/add-modules.ts';
import { writeOutput } from '../output/write-output.ts';
import type { Written } from '../output/write-output.ts';
import { FileTree } from '../tree/file-tree.ts';
import { scanDirectory } from '../tree/scan-directory.ts';
import { addFile } from './add-file.ts';
import { addAgentLinks, addAgentRoot } from './agent-root.ts';
import type { FileSpec } from './file-spec.ts';

/** What goes into an initrd. At least one of `agent` and `root` is needed. */
export interface InitrdOptions {
  /** Where the image goes. */
  readonly output: string;
  /** The agent's ELF file, which becomes /init. */
  readonly agent?: string;
  /** A host directory to start from; it must then hold /init or /sbin/init unless `agent` is given. */
  readonly root?: string;
  /** Owners of what is in `root`; `keep` by default. */
  readonly owner?: 'keep' | 'root';
  readonly files?: readonly FileSpec[];
  readonly modules?: ModulesOptions;
  /** `gzip` by default, the only one that every Kata kernel unpacks. */
  readonly compression?: Compression;
  /** Time of every file, in seconds since 1970; by default SOURCE_DATE_EPOCH, else 0. */
  readonly mtime?: number;
  readonly signal?: AbortSignal;
}

/** What was built. */
export interface BuiltInitrd extends Written {
  readonly entries: number;
  /** Size of the archive before compression. */
  readonly unpackedBytes: number;
  readonly modules?: AddedModules;
}

/** Builds an initrd from the agent, a root tree, or both. Throws BuildError with one line; the output is whole or absent. */
export async function buildInitrd(options: InitrdOptions): Promise<BuiltInitrd> {
  const { tree, modules } = await planInitrd(options);
  let unpackedBytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of writeTree(tree, options.mtime ?? sourceDateEpoch(process.env))) {
      unpackedBytes += piece.length;
      yield piece;
    }
  };
  const written = await writeOutput(
    options.output,
    compress(options.compression ?? 'gzip', counted(), options.signal),
    options.signal,
  );
  return { ...written, entries: tree.size, unpackedBytes, ...(modules === undefined ? {} : { modules }) };
}

async function planInitrd(options: InitrdOptions): Promise<{ tree: FileTree; modules: AddedModules | undefined }> {
  const { agent, root } = options;
  if (agent === undefined && root === undefined)
    throw new BuildError('initrd: needs an agent, a root directory, or both');
  const tree = new FileTree();
  if (root === undefined) addAgentRoot(tree);
  else await scanDirectory(tree, root, '.', { owner: options.owner ?? 'keep' });
  if (agent !== undefined) {
    await addFile(tree, { source: agent, path: 'init', mode: 0o755 });
    addAgentLinks(tree);
  }
  for (const file of options.files ?? []) await addFile(tree, file);
  ensureInit(tree, root ?? '');
  const modules = options.modules === undefined ? undefined : await addModules(tree, options.modules);
  return { tree, modules };
}

/** The kernel runs /init of an initramfs; a tree made for other boot loaders has /sbin/init only. */
function ensureInit(tree: FileTree, root: string): void {
  if (tree.get('init') !== undefined) return;
  if (tree.get(tree.locate('sbin/init')) === undefined)
    throw new BuildError(`initrd: ${root} has neither /init nor /sbin/init; give an agent`);
  tree.symlink('init', '/sbin/init');
}

/** The time that reproducible-builds.org's SOURCE_DATE_EPOCH asks for, else 0. Throws BuildError when it is not a time. */
export function sourceDateEpoch(environment: Readonly<Record<string, string | undefined>>): number {
  const text = environment.SOURCE_DATE_EPOCH;
  if (text === undefined || text === '') return 0;
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds > 0xffff_ffff)
    throw new BuildError(`SOURCE_DATE_EPOCH=${text}: not a time of 32 bits`);
  return seconds;
}
