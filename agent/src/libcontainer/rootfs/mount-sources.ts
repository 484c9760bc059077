import { MOUNT_ATTR_IDMAP } from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import type { Scope } from '../../base/scope.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { IdMapping, LinuxSpec, MountSpec } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstatfs } from '../../sys/statfs.ts';
import { mountSetattr } from '../../sys/mount.ts';
import { isBindMount, isIdMapped } from '../plan/compile-mounts.ts';
import type { BindOrigin } from '../plan/launch-plan.ts';
import { formatIdMap, createMappedNamespace } from './mapped-namespace.ts';
import { cloneGuestPath } from './mount-source.ts';

/** The part of a spec that says which sources have to be opened. */
export interface SpecWithMounts {
  readonly mounts: readonly MountSpec[];
  readonly linux: Pick<LinuxSpec, 'namespaces' | 'uidMappings' | 'gidMappings'>;
}

/** One namespace for each pair of maps, however many mounts use it. */
class NamespaceCache {
  readonly #scope: Scope;
  readonly #byMaps = new Map<string, Fd>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  get(uids: readonly IdMapping[], gids: readonly IdMapping[]): Fd {
    const key = `${formatIdMap(uids)};${formatIdMap(gids)}`;
    const known = this.#byMaps.get(key);
    if (known !== undefined) return known;
    const made = this.#scope.use(createMappedNamespace(uids, gids));
    this.#byMaps.set(key, made);
    return made;
  }
}

function originOf(mount: MountSpec): BindOrigin {
  const isNofollow = mount.options.includes('src-nofollow') || mount.options.includes('copy-symlink');
  const isRecursive = mount.options.findLast((option) => option === 'bind' || option === 'rbind') === 'rbind';
  return { kind: 'bind', path: mount.source, isRecursive, ...(isNofollow ? { link: 'bind' } : {}) };
}

function mapIds(tree: Fd, userNamespace: Fd, isRecursive: boolean, path: string): void {
  try {
    mountSetattr(tree, '', { set: MOUNT_ATTR_IDMAP, userNamespace, recursive: isRecursive });
  } catch (error) {
    if (!isSysError(error, 'EINVAL', 'EPERM')) throw error;
    const type = fstatfs(tree).type.toString(16);
    const reason = `the file system of ${path} (0x${type}) cannot be id-mapped here, or is already`;
    throw new DomainError('failed_precondition', reason, error);
  }
}

/**
 * Opens what only the parent of a container can: the sources of id-mapped mounts, which take rights over the file system, and
 * for a container in a user namespace every bind, as a fallback for paths that its root cannot reach. Trees are detached; they
 * and the namespaces that were needed belong to `scope`. Result: trees by index of the mount.
 *
 * Paths are opened in the calling process, which a share that hangs would hold up.
 */
export function openMountSources(
  scope: Scope,
  spec: SpecWithMounts,
  joinedUser: Fd | undefined,
): ReadonlyMap<number, Fd> {
  const { linux } = spec;
  const hasUserNamespace = linux.namespaces.some(({ type }) => type === 'user');
  const namespaces = new NamespaceCache(scope);
  const result = new Map<number, Fd>();
  spec.mounts.forEach((mount, index) => {
    const isMapped = isIdMapped(mount);
    if (!isBindMount(mount) || mount.options.includes('remount') || !(isMapped || hasUserNamespace)) return;
    try {
      const tree = scope.use(cloneGuestPath(originOf(mount)));
      result.set(index, tree);
      if (!isMapped) return;
      const own = mount.uidMappings.length > 0;
      const maps = own ? mount : linux;
      // Refused by the compilation of the plan, which knows better words.
      if (maps.uidMappings.length === 0 && joinedUser === undefined) return;
      const user = !own && joinedUser !== undefined ? joinedUser : namespaces.get(maps.uidMappings, maps.gidMappings);
      mapIds(tree, user, mount.options.includes('ridmap'), mount.source);
    } catch (error) {
      throw wrapError(`mounts[${index}]`, error);
    }
  });
  return result;
}
