import { BuildError } from '../build-error.ts';
import type { InitKind } from '../recipe/recipe.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { followed } from '../tree/read-text.ts';
import { systemdPath } from './add-systemd.ts';

/**
 * What a read-only root must have before it is booted: regular files for what the agent and systemd mount over, mount
 * points, nodes for the time before devtmpfs, and an init. Throws BuildError when there is none and it must boot.
 */
export function finishGuest(tree: FileTree, init: InitKind, isInitrd: boolean, mustBoot: boolean): void {
  const root = tree.get('.');
  if (root !== undefined) tree.dir('.', { ...root, mode: root.mode | 0o555 });
  for (const path of ['dev', 'etc', 'proc', 'run', 'sys']) ensureFolder(tree, path, 0o755);
  ensureFolder(tree, 'tmp', 0o1777);
  addNodes(tree);
  // The agent bind-mounts the sandbox's DNS file over it, which a symlink would lead elsewhere.
  const resolver = tree.locate('etc/resolv.conf');
  if (tree.get(resolver)?.kind !== 'file') {
    tree.delete(resolver);
    tree.file(resolver, '');
  }
  if (init === 'systemd') {
    const identity = tree.locate('etc/machine-id');
    tree.delete(identity);
    tree.file(identity, '');
  }
  if (mustBoot) checkInit(tree, isInitrd);
  if (isInitrd && tree.get('init') === undefined)
    tree.symlink('init', init === 'systemd' ? systemdPath(tree) : '/sbin/init');
}

function ensureFolder(tree: FileTree, path: string, mode: number): void {
  if (tree.get(path) === undefined) tree.dir(path, { mode });
}

/** Nodes of devices(7) that programs use before devtmpfs is there. */
function addNodes(tree: FileTree): void {
  const nodes = [
    ['console', 5, 1, 0o600],
    ['tty', 5, 0, 0o666],
    ['ttyS0', 4, 64, 0o600],
    ['null', 1, 3, 0o666],
    ['zero', 1, 5, 0o666],
  ] as const;
  for (const [name, major, minor, mode] of nodes) {
    const path = tree.locate(`dev/${name}`);
    if (tree.get(path) === undefined) tree.device(path, 'char', major, minor, { mode });
  }
  const descriptors = tree.locate('dev/fd');
  if (tree.get(descriptors) === undefined) tree.symlink(descriptors, '/proc/self/fd');
}

function checkInit(tree: FileTree, isInitrd: boolean): void {
  const candidates = isInitrd ? ['init', 'sbin/init'] : ['sbin/init'];
  const there = candidates.find((path) => tree.get(tree.locate(path)) !== undefined);
  if (there === undefined)
    throw new BuildError(`guest: no /${candidates.join(' and no /')}; give an agent, or a base with an init`);
  const path = followed(tree, there);
  const entry = path === undefined ? undefined : tree.get(path);
  if (entry === undefined) throw new BuildError(`guest: /${there} is a symlink that leads nowhere`);
  const real = entry.kind === 'link' ? tree.get(entry.target) : entry;
  if (real?.kind !== 'file' || (real.mode & 0o111) === 0) throw new BuildError(`guest: /${there} is no program`);
}
