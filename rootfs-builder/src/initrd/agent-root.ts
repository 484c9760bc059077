import type { FileTree } from '../tree/file-tree.ts';

/**
 * What the agent expects to find in a guest whose only program it is: mount points, a console to speak on before devtmpfs
 * is mounted, and /etc/resolv.conf as a regular file, because the sandbox's DNS file is bind-mounted over it.
 */
export function addAgentRoot(tree: FileTree): void {
  for (const path of ['dev', 'etc', 'proc', 'run', 'sys']) tree.dir(path);
  tree.dir('root', { mode: 0o700 });
  tree.dir('tmp', { mode: 0o1777 });
  tree.device('dev/console', 'char', 5, 1, { mode: 0o600 });
  tree.device('dev/null', 'char', 1, 3, { mode: 0o666 });
  tree.file('etc/resolv.conf', '');
}

/** The kernel starts /init; Kata's tools look for the agent at /sbin/init. One copy, two names. */
export function addAgentLinks(tree: FileTree): void {
  tree.symlink(tree.locate('sbin/init'), '/init');
}
