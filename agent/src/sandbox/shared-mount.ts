import { invalidArgument } from '../base/errors.ts';
import { cleanPath } from '../base/guest-path.ts';
import type { Spec } from '../oci/spec.ts';

/** A mount that one container makes and another one sees as well (CreateContainer, `shared_mounts`). */
export interface SharedMount {
  /** Name of the container that makes it, as its annotations tell it. */
  readonly sourceContainer: string;
  readonly sourcePath: string;
  readonly destinationPath: string;
}

/** More would make a request that waits for nothing but them. */
const maxSharedMounts = 128;
/** Where CRI implementations put a container's name; the first that is there counts. */
const nameAnnotations = ['io.kubernetes.cri.container-name', 'io.kubernetes.cri-o.ContainerName'];

/** Clean paths; throws `invalid_argument` naming the field. */
export function checkSharedMounts(mounts: readonly SharedMount[]): readonly SharedMount[] {
  if (mounts.length > maxSharedMounts)
    throw invalidArgument('shared_mounts', `${mounts.length} mounts, at most ${maxSharedMounts} are accepted`);
  return mounts.map((mount, index) => ({
    ...mount,
    sourcePath: cleanPath(mount.sourcePath, `shared_mounts[${index}].src_path`),
    destinationPath: cleanPath(mount.destinationPath, `shared_mounts[${index}].dst_path`),
  }));
}

/** The name that a container has for its pod. */
export function containerName(spec: Pick<Spec, 'annotations'>): string | undefined {
  const key = nameAnnotations.find((annotation) => spec.annotations.has(annotation));
  return key === undefined ? undefined : spec.annotations.get(key);
}
