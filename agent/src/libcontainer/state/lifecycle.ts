import { assertNever } from '../../base/assert-never.ts';
import type { Fd } from '../../sys/fd.ts';
import type { ContainerState } from '../plan/transitions.ts';

/** A container that still waits for its start owns the gate: the agent's end of the launch socket. */
export interface CreatedState {
  readonly kind: 'created';
  readonly gate: Fd;
}

export interface RunningState {
  readonly kind: 'running';
}

/** The state of a container with just what exists in it. */
export type Lifecycle =
  | CreatedState
  | RunningState
  | { readonly kind: 'paused'; readonly before: CreatedState | RunningState }
  | { readonly kind: 'stopped' };

/** The name the table of transitions knows it by. */
export function stateName(lifecycle: Lifecycle): ContainerState {
  switch (lifecycle.kind) {
    case 'created':
    case 'running':
    case 'stopped':
      return lifecycle.kind;
    case 'paused':
      return lifecycle.before.kind === 'created' ? 'paused-created' : 'paused-running';
    default:
      return assertNever(lifecycle);
  }
}

/** The gate of a container that was never started. */
export function gateOf(lifecycle: Lifecycle): Fd | undefined {
  const state = lifecycle.kind === 'paused' ? lifecycle.before : lifecycle;
  return state.kind === 'created' ? state.gate : undefined;
}
