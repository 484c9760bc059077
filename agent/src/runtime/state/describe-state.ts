import type { ContainerStatus } from './container-status.ts';
import type { StoredState } from './stored-state.ts';

/** The JSON object of `state` and `list`, field for field as runc has it: the state of the specification and four more. */
export function describeState(state: StoredState, status: ContainerStatus, ownerName: string): Record<string, unknown> {
  const isOver = status === 'stopped' || state.init === undefined;
  return {
    ociVersion: state.ociVersion,
    id: state.id,
    pid: isOver ? 0 : state.init.pid,
    status,
    bundle: state.bundle,
    rootfs: state.rootfs,
    created: state.created,
    ...(state.annotations.size === 0 ? {} : { annotations: Object.fromEntries(state.annotations) }),
    owner: ownerName,
  };
}
