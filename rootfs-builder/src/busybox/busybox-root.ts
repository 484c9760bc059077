import { stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { describing } from '../build-error.ts';
import { FileTree } from '../tree/file-tree.ts';
import { busyboxApplets } from './applets.ts';
import { findBusybox } from './find-busybox.ts';

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
`;
const GROUP = `root:x:0:
daemon:x:1:
tty:x:5:
nogroup:x:65534:
`;
const PROFILE = `export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
`;

/**
 * A small root file system for a container: a static busybox, a symlink for each of its applets, and the files and
 * directories that programs take for granted. `busybox` is the program to use.
 */
export async function busyboxTree(busybox?: string): Promise<FileTree> {
  const program = busybox ?? (await findBusybox());
  const { size } = await describing(`read ${program}`, () => stat(program));
  const applets = await busyboxApplets(program);
  const tree = new FileTree();
  for (const path of [
    'dev',
    'etc',
    'home',
    'lib',
    'mnt',
    'opt',
    'proc',
    'run',
    'srv',
    'sys',
    'usr/lib',
    'var/lib',
    'var/log',
  ]) {
    tree.dir(path);
  }
  tree.dir('root', { mode: 0o700 });
  for (const path of ['tmp', 'var/tmp']) tree.dir(path, { mode: 0o1777 });
  tree.hostFile('bin/busybox', program, size, { mode: 0o755 });
  for (const path of applets) {
    // Relative, so that the links also work where the root is not "/".
    const target = posix.relative(posix.dirname(`/${path}`), '/bin/busybox');
    tree.symlink(path, target);
  }
  tree.file('etc/passwd', PASSWD).file('etc/group', GROUP).file('etc/profile', PROFILE);
  tree.file('etc/hosts', '127.0.0.1\tlocalhost\n::1\tlocalhost\n').file('etc/resolv.conf', '');
  return tree;
}
