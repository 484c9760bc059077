import { stat } from 'node:fs/promises';
import { BuildError, describing } from '../build-error.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { scanDirectory } from '../tree/scan-directory.ts';
import type { FileSpec } from './file-spec.ts';

/** Adds a host file, or a directory with all that is in it, owned by root. Throws BuildError when it is neither. */
export async function addFile(tree: FileTree, spec: FileSpec): Promise<void> {
  const path = tree.locate(spec.path);
  const stats = await describing(`read ${spec.source}`, () => stat(spec.source));
  if (stats.isDirectory()) {
    await scanDirectory(tree, spec.source, path, { owner: 'root' });
    if (spec.mode !== undefined) tree.dir(path, { mode: spec.mode });
  } else if (stats.isFile()) {
    const mode = spec.mode ?? ((stats.mode & 0o100) !== 0 ? 0o755 : 0o644);
    tree.hostFile(path, spec.source, stats.size, { mode });
  } else {
    throw new BuildError(`read ${spec.source}: neither a file nor a directory`);
  }
}
