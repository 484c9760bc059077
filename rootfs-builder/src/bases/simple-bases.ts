import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ArchiveLoader } from '../archive/archive-loader.ts';
import { BuildError, describing } from '../build-error.ts';
import { programArchitecture } from '../busybox/applets.ts';
import { busyboxTree } from '../busybox/busybox-root.ts';
import { findBusybox } from '../busybox/find-busybox.ts';
import { decompress } from '../compress/decompress.ts';
import { addAgentRoot } from '../initrd/agent-root.ts';
import type { BaseSpec } from '../recipe/recipe.ts';
import { FileTree } from '../tree/file-tree.ts';
import { scanDirectory } from '../tree/scan-directory.ts';
import type { Base, BaseContext } from './base.ts';
import { installedPackages } from './installed-packages.ts';

/** Mount points, a console and nothing else: the agent brings the rest. */
export async function noneBase(): Promise<Base> {
  const tree = new FileTree();
  addAgentRoot(tree);
  return { tree, packages: [], inputs: [], notes: [] };
}

/** A static busybox with its applets. */
export async function busyboxBase(spec: BaseSpec, { architecture }: Pick<BaseContext, 'architecture'>): Promise<Base> {
  const named = spec.busybox ?? (await findBusybox(architecture));
  const found = await programArchitecture(named);
  if (found !== undefined && found !== architecture)
    throw new BuildError(`base.busybox: ${named} is for ${found}, and the guest for ${architecture}`);
  const tree = await busyboxTree(named);
  addAgentRoot(tree);
  const program = tree.get('bin/busybox');
  const path = program?.kind === 'file' && program.content.kind === 'host' ? String(program.content.path) : '';
  return { tree, packages: [], inputs: path === '' ? [] : [{ name: path, sha256: await hashFile(path) }], notes: [] };
}

/** A folder of the host as it is. */
export async function directoryBase(spec: BaseSpec, { signal }: Pick<BaseContext, 'signal'>): Promise<Base> {
  const path = spec.path ?? '';
  const tree = new FileTree();
  const isOwn = process.getuid?.() === 0;
  await scanDirectory(tree, path, '.', {
    owner: spec.owner ?? (isOwn ? 'keep' : 'root'),
    hasXattrs: spec.xattrs !== 'drop',
    ...(signal === undefined ? {} : { signal }),
  });
  return { tree, packages: await installedPackages(tree), inputs: [], notes: [] };
}

/** A tar archive: plain, gzip or zstd. */
export async function tarBase(spec: BaseSpec, context: BaseContext): Promise<Base> {
  const path = spec.path ?? '';
  const { signal, pack } = context;
  const tree = new FileTree();
  await loadArchive(new ArchiveLoader(tree, pack), path, signal);
  pack.flush();
  return {
    tree,
    packages: await installedPackages(tree),
    inputs: [{ name: path, sha256: await hashFile(path) }],
    notes: [],
  };
}

/** Adds an archive of the host. Throws BuildError that names it. */
export async function loadArchive(loader: ArchiveLoader, path: string, signal?: AbortSignal): Promise<void> {
  const stats = await describing(`read ${path}`, () => stat(path));
  if (!stats.isFile()) throw new BuildError(`read ${path}: not a file`);
  const stream = decompress(createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>, signal);
  await describing(`read ${path}`, () => loader.load(path, stream, signal === undefined ? {} : { signal }));
}

/** SHA-256 of a file in hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await describing(`read ${path}`, async () => {
    for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Uint8Array>)
      hash.update(piece);
  });
  return hash.digest('hex');
}
