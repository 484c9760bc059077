import { DomainError } from '../../base/errors.ts';

/** States of a container (contract, lifecycle section 14). A pause remembers where it came from. */
export type ContainerState = 'created' | 'running' | 'paused-created' | 'paused-running' | 'stopped';

/** What can be asked of a container. */
export type Operation = 'start' | 'pause' | 'resume' | 'exec' | 'update' | 'stats' | 'kill' | 'destroy';

/** The state after each allowed operation; what is missing is refused. */
const table: Readonly<Record<ContainerState, Readonly<Partial<Record<Operation, ContainerState>>>>> = {
  created: {
    start: 'running',
    pause: 'paused-created',
    exec: 'created',
    update: 'created',
    stats: 'created',
    kill: 'created',
    destroy: 'stopped',
  },
  running: {
    pause: 'paused-running',
    exec: 'running',
    update: 'running',
    stats: 'running',
    kill: 'running',
    destroy: 'stopped',
  },
  // A new process would freeze in the middle of its set-up, so there is no exec. Killing thaws.
  'paused-created': {
    resume: 'created',
    update: 'paused-created',
    stats: 'paused-created',
    kill: 'created',
    destroy: 'stopped',
  },
  'paused-running': {
    resume: 'running',
    update: 'paused-running',
    stats: 'paused-running',
    kill: 'running',
    destroy: 'stopped',
  },
  stopped: { kill: 'stopped', destroy: 'stopped' },
};

export const containerStates = Object.keys(table) as readonly ContainerState[];
export const operations: readonly Operation[] = [
  'start',
  'pause',
  'resume',
  'exec',
  'update',
  'stats',
  'kill',
  'destroy',
];

/** The state after `operation`; throws `failed_precondition` naming both when it is not allowed. */
export function nextState(state: ContainerState, operation: Operation): ContainerState {
  const next = table[state][operation];
  if (next === undefined) {
    throw new DomainError('failed_precondition', `cannot ${operation} a container that is ${statusName(state)}`);
  }
  return next;
}

/** The state's name as the OCI and the contract know it. */
export function statusName(state: ContainerState): 'created' | 'running' | 'paused' | 'stopped' {
  return state === 'paused-created' || state === 'paused-running' ? 'paused' : state;
}
