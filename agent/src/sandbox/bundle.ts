import { isSysError } from '../base/sys-error.ts';
import { exists, rmdir } from '../sys/file.ts';

/** Where Kata keeps the state of containers; storages may put a root file system at `<id>/rootfs` here. */
const BUNDLES = '/run/kata-containers';

/** The root that an image layer storage made for a container, if there is one (lifecycle 9.1). */
export function findBundleRoot(id: string): string | undefined {
  const root = `${BUNDLES}/${id}/rootfs`;
  return exists(root) ? root : undefined;
}

/** A storage in the bundle leaves the bundle's own directory behind; what others put there stays. */
export function removeEmptyBundle(id: string): void {
  try {
    rmdir(`${BUNDLES}/${id}`);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}
