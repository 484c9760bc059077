import type { NamespaceSpec, Spec } from '../oci/spec.ts';

/** Types that the sandbox decides about, whatever path the host wrote (lifecycle section 8). */
const sandboxTypes: readonly string[] = ['ipc', 'uts', 'pid'];

/**
 * The namespace list a container gets: paths of the host mean nothing here and are dropped for ipc, uts and pid; a pid and a cgroup
 * namespace are always made. A type that is not listed is shared with the agent.
 */
export function containerNamespaces(spec: Spec): readonly NamespaceSpec[] {
  const listed = spec.linux.namespaces.map((namespace): NamespaceSpec =>
    sandboxTypes.includes(namespace.type) ? { type: namespace.type, path: undefined } : namespace,
  );
  const added = (['pid', 'cgroup'] as const)
    .filter((type) => !listed.some((namespace) => namespace.type === type))
    .map((type): NamespaceSpec => ({ type, path: undefined }));
  return [...listed, ...added];
}
