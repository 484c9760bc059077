import { describe, expect, it } from 'vitest';
import { delegateUid } from '../../../../agent/src/libcontainer/cgroup/delegate-uid.ts';
import type { IdMapping, MountSpec, NamespaceSpec, Spec } from '../../../../agent/src/oci/spec.ts';

function spec(
  namespaces: readonly NamespaceSpec[],
  options: readonly string[],
  uid: number,
  maps: readonly IdMapping[],
): Spec {
  const mount = { type: 'cgroup', options } as unknown as MountSpec;
  return { process: { user: { uid } }, mounts: [mount], linux: { namespaces, uidMappings: maps } } as unknown as Spec;
}

const own: NamespaceSpec = { type: 'cgroup', path: undefined };
const map: IdMapping = { containerId: 0, hostId: 100_000, size: 65_536 };

describe('delegateUid()', () => {
  it.each<[string, Spec, number | undefined]>([
    ['root of a user namespace that may write its cgroup', spec([own], ['rw'], 0, [map]), 100_000],
    ['another user there', spec([own], [], 1000, [map]), 101_000],
    ['a user without a user namespace', spec([own], [], 1000, []), 1000],
    ['nobody for real root', spec([own], [], 0, []), undefined],
    ['nobody for a read-only mount', spec([own], ['nosuid', 'ro'], 0, [map]), undefined],
    ['nobody without a cgroup namespace', spec([], ['rw'], 0, [map]), undefined],
    ['nobody in a joined cgroup namespace', spec([{ ...own, path: '/x' }], ['rw'], 0, [map]), undefined],
    ['nobody for an id that is not mapped', spec([own], ['rw'], 70_000, [map]), undefined],
  ])('CGN-01 gives the cgroup to %s', (_, given, expected) => {
    expect(delegateUid(given)).toBe(expected);
  });
});
