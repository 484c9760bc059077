import type { IdMapping, Spec } from '../../oci/spec.ts';

function outsideId(mappings: readonly IdMapping[], id: number): number | undefined {
  const entry = mappings.find(({ containerId, size }) => id >= containerId && id - containerId < size);
  return entry === undefined ? undefined : entry.hostId + (id - entry.containerId);
}

/**
 * Who shall own the container's cgroup: the user of its process, where the container can see nothing but its own cgroup (a new
 * cgroup namespace) and may write it (a cgroup mount that is not read-only). Undefined: nobody but us.
 */
export function delegateUid(spec: Spec): number | undefined {
  const { namespaces, uidMappings } = spec.linux;
  const isPrivate = namespaces.some(({ type, path }) => type === 'cgroup' && path === undefined);
  const isWritable = spec.mounts.some(
    ({ type, options }) => (type === 'cgroup' || type === 'cgroup2') && !options.includes('ro'),
  );
  if (!isPrivate || !isWritable) return undefined;
  const { uid } = spec.process.user;
  const owner = uidMappings.length === 0 ? uid : outsideId(uidMappings, uid);
  return owner === 0 ? undefined : owner;
}
