import type { Init } from '../../agent/src/codec/protobuf/message-codec.ts';
import type { CreateContainerRequest } from '../../proto/gen/agent.js';
import { createRequest, DEFAULT_MOUNTS, mount, type ContainerOptions } from '../support/container/container-spec.ts';

/** Namespaces of every container here; the agent adds a new pid namespace by itself, as Kata's hosts expect. */
export const NAMESPACES = ['mount', 'ipc', 'uts', 'cgroup'] as const;

/** Two more mounts make nine: the cgroup tree, and a file of the host as name resolution has it. */
export const MORE_MOUNTS = [
  mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid', 'noexec', 'nodev', 'ro'),
  mount('/etc/group', '/etc/passwd', 'bind', 'rbind', 'ro'),
] as const;

export const ALL_MOUNTS = [...DEFAULT_MOUNTS, ...MORE_MOUNTS];

/** The container of all measurements: containerd's default capabilities, nine mounts, five new namespaces, `true`. */
export function benchRequest(
  id: string,
  root: string,
  run: ContainerOptions['run'] = ['/bin/true'],
): Init<CreateContainerRequest> {
  return createRequest(id, {
    root,
    run,
    mounts: MORE_MOUNTS,
    linux: { Namespaces: NAMESPACES.map((type) => ({ Type: type })) },
    spec: { Hostname: 'bench' },
  });
}
