import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { BuildError } from '../../build-error.ts';
import { findInPath } from '../../process/find-in-path.ts';

/** Ways in which mmdebstrap gets a root of its own. */
export type BootstrapMode = 'root' | 'unshare' | 'fakechroot';

/** What decides the mode. */
export interface BootstrapHost {
  readonly isRoot: boolean;
  /** The user has ids of its own to map (subuid(5)) and newuidmap(1) to do it with. */
  readonly hasSubordinateIds: boolean;
  readonly hasFakechroot: boolean;
}

/** Looks at this host. */
export function inspectBootstrapHost(): BootstrapHost {
  const { username, uid } = userInfo();
  return {
    isRoot: uid === 0,
    hasSubordinateIds:
      findInPath('newuidmap') !== undefined &&
      isListed('/etc/subuid', username, uid) &&
      isListed('/etc/subgid', username, uid),
    hasFakechroot: findInPath('fakechroot') !== undefined && findInPath('fakeroot') !== undefined,
  };
}

/** The mode for a host: root when we are root, else a user namespace, else fakechroot. Throws BuildError that says what to install. */
export function chooseBootstrapMode(host: BootstrapHost): BootstrapMode {
  if (host.isRoot) return 'root';
  if (host.hasSubordinateIds) return 'unshare';
  if (host.hasFakechroot) return 'fakechroot';
  throw new BuildError(
    'mmdebstrap: not root, and this host has neither subordinate ids (package uidmap and a line in /etc/subuid and ' +
      '/etc/subgid) nor fakechroot with fakeroot; install either, or run as root',
  );
}

function isListed(file: string, name: string, uid: number): boolean {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .some((line) => line.startsWith(`${name}:`) || line.startsWith(`${uid}:`));
  } catch {
    return false;
  }
}
