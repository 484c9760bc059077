import { MNT_DETACH, MS_BIND } from '../../abi/constants.ts';
import { createFile, exists, isDirectory, mkdirAll, stat, unlink } from '../../sys/file.ts';
import { DomainError } from '../../base/errors.ts';
import { mount, unmount } from '../../sys/mount.ts';

const DIRECTORY = '/run/kata-containers/sandbox';
const FILE = `${DIRECTORY}/resolv.conf`;
const TARGET = '/etc/resolv.conf';

/**
 * The sandbox's resolv.conf (boot contract, 8.7): the trimmed lines, bound over the guest's own, where hosts bind it into
 * containers from. Nothing happens for an empty list or a guest without that file. Written again, the bind mount stays.
 */
export function writeDns(lines: readonly string[]): void {
  if (lines.length === 0 || !exists(TARGET)) return;
  if (isDirectory(stat(TARGET))) throw new DomainError('internal', `dns: ${TARGET} is a directory`);
  mkdirAll(DIRECTORY);
  const isBound = exists(FILE);
  createFile(FILE, lines.map((line) => line.trim()).join('\n'), 0o644);
  if (!isBound) mount(FILE, TARGET, 'bind', MS_BIND);
}

/** Takes the bind mount away again, for an agent that ends without its guest. */
export function removeDns(): void {
  if (!exists(FILE)) return;
  unmount(TARGET, MNT_DETACH);
  unlink(FILE);
}
