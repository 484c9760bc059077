import { DomainError } from '../../base/errors.ts';
import type { Fd } from '../../sys/fd.ts';
import type { ContainerRoot } from '../rootfs/container-root.ts';

/** What the steps of one launch hand to each other. */
export interface InitState {
  /** The agent's end is at the other side. */
  readonly sync: Fd;
  /** The guest's `/dev/pts`, opened while it could still be reached; undefined when there is none, or no terminal is wanted. */
  readonly guestDevpts: Fd | undefined;
  root: ContainerRoot | undefined;
  /** Soft limits that bind the interpreter too, set last of all. */
  softLimits: readonly { readonly resource: number; readonly soft: bigint; readonly hard: bigint }[];
}

/** The container's root; a plan that asks for it before it exists is wrong. */
export function requireRoot(state: InitState): ContainerRoot {
  if (state.root === undefined) throw new DomainError('internal', 'the plan uses the root before it was set');
  return state.root;
}
