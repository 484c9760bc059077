import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { HostError } from './host-error.ts';

/** One host file or directory that the guest shall see. */
export interface ShareBind {
  /** Absolute host path, symlinks resolved. */
  readonly source: string;
  /** Place in the shared directory, relative, e.g. `c1/rootfs`. */
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * Makes the empty tree that the binds go onto. The binds themselves happen in virtiofsd's own mount namespace, so no
 * mount is ever visible on the host and nothing has to be unmounted afterwards.
 *
 * @throws HostError when a source does not exist
 */
export function prepareSharedDirectory(directory: string, binds: readonly ShareBind[]): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const bind of binds) {
    const info = statSync(bind.source, { throwIfNoEntry: false });
    if (info === undefined) throw new HostError(`${bind.source} does not exist`);
    const target = join(directory, bind.target);
    if (info.isDirectory()) {
      mkdirSync(target, { recursive: true, mode: 0o755 });
    } else {
      mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
      writeFileSync(target, '', { mode: 0o600 });
    }
  }
}

/** Mount points in the text of /proc/self/mountinfo at or below `directory` (field 5; proc(5) has the escapes). */
export function mountsBelow(mountinfo: string, directory: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((path) => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))))
    .filter((path) => path === directory || path.startsWith(`${directory}/`));
}

/**
 * Removes that tree: empty directories and empty files, nothing else. It is never a recursive delete, and it refuses
 * when anything is mounted there, because a bind that had leaked into this namespace would turn it into the loss of
 * somebody's root filesystem.
 *
 * @throws HostError when there is anything else in it
 */
export function removeSharedDirectory(directory: string): void {
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return;
  const mounts = mountsBelow(readFileSync('/proc/self/mountinfo', 'latin1'), directory);
  if (mounts.length > 0) throw new HostError(`${mounts.join(', ')} is still mounted: not removing ${directory}`);
  const removeEmpty = (path: string): void => {
    const info = lstatSync(path);
    if (info.isDirectory()) {
      for (const name of readdirSync(path)) removeEmpty(join(path, name));
      rmdirSync(path);
    } else if (info.isFile() && info.size === 0) {
      unlinkSync(path);
    } else {
      throw new HostError(`${path} is not an empty placeholder: not removing it`);
    }
  };
  removeEmpty(directory);
}
