import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { HostError } from '../vm/host-error.ts';
import type { ShareBind } from '../vm/shared-directory.ts';

/** Where the guest mounts the shared directory (contract of the host runtime, section 4.1). */
export const GUEST_SHARE = '/run/kata-containers/shared/containers/';

/** A host file or directory inside the container. */
export interface Volume {
  /** Absolute host path. */
  readonly source: string;
  /** Absolute path in the container. */
  readonly destination: string;
  readonly readOnly: boolean;
}

/**
 * Parses `SRC:DST[:ro|:rw]`.
 *
 * @throws HostError naming what is wrong
 */
export function parseVolume(text: string): Volume {
  const [source = '', destination = '', mode = 'rw', ...rest] = text.split(':');
  const fail = (why: string): never => {
    throw new HostError(`volume ${JSON.stringify(text)}: ${why}`, { hint: 'SRC:DST[:ro]' });
  };
  if (rest.length > 0 || source === '' || destination === '') fail('must be SRC:DST or SRC:DST:ro');
  if (mode !== 'ro' && mode !== 'rw') fail(`${JSON.stringify(mode)} is neither ro nor rw`);
  if (!destination.startsWith('/')) fail('the path in the container must be absolute');
  if (destination.split('/').includes('..')) fail('the path in the container must not contain ..');
  return { source, destination: posix.normalize(destination), readOnly: mode === 'ro' };
}

/** Name of a volume's place in the shared directory: `<cid>-<16 hex>-<base name>`, as Kata's host names it. */
export function volumeShareName(containerId: string, volume: Volume): string {
  const digest = createHash('sha256').update(volume.destination).digest('hex').slice(0, 16);
  return `${containerId}-${digest}-${posix.basename(volume.destination) || 'root'}`;
}

/** Everything that one container needs from the host: its root filesystem and its volumes. */
export function containerBinds(containerId: string, rootfs: string, volumes: readonly Volume[]): ShareBind[] {
  return [
    { source: rootfs, target: `${containerId}/rootfs`, readOnly: false },
    ...volumes.map((volume) => ({
      source: volume.source,
      target: volumeShareName(containerId, volume),
      readOnly: volume.readOnly,
    })),
  ];
}

/** Guest path of the container's root filesystem. */
export function guestRootfs(containerId: string): string {
  return `${GUEST_SHARE}${containerId}/rootfs`;
}

/** Guest path behind a volume. */
export function guestVolumeSource(containerId: string, volume: Volume): string {
  return `${GUEST_SHARE}${volumeShareName(containerId, volume)}`;
}
