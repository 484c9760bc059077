import type { MountPoint } from '../mount-point.ts';
import { storageFailure } from '../storage-error.ts';

/** Where hosts put what is watched: the Go runtime, and runtime-rs with its passthrough folder. Rootless ones below the user's. */
const PLACE =
  /^(?<root>(?:\/run\/user\/[1-9]\d{0,9})?\/run\/kata-containers\/shared\/containers\/(?:passthrough\/)?watchable)\/[^/]+$/;

/** The folder that holds a watchable mount point. Throws a DomainError `internal` for any other place. */
export function watchableRoot(target: Pick<MountPoint, 'path'>): string {
  const root = PLACE.exec(target.path)?.groups?.['root'];
  if (root === undefined) throw storageFailure(`${JSON.stringify(target.path)} is no place for a watchable mount`);
  return root;
}
