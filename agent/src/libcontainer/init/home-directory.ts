import { readAccountFile } from '../process/account-file.ts';
import type { ContainerRoot } from '../rootfs/container-root.ts';
import { homeOf } from './passwd.ts';

/**
 * Home directory of `uid` by the container's `/etc/passwd`, or `/`. Runs as that user; a file that is missing, unreadable or
 * no regular file counts as empty, and opening it never blocks (LIV-10).
 */
export function homeDirectory(root: ContainerRoot, uid: number): string {
  try {
    return homeOf(readAccountFile(root, '/etc/passwd')?.text ?? '', uid) ?? '/';
  } catch {
    return '/';
  }
}
