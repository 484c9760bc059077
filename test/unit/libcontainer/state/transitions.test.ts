import { describe, expect, it } from 'vitest';
import {
  containerStates,
  nextState,
  operations,
  statusName,
} from '../../../../agent/src/libcontainer/plan/transitions.ts';
import type { ContainerState, Operation } from '../../../../agent/src/libcontainer/plan/transitions.ts';

/** Every allowed pair and where it leads; all others must be refused. */
const allowed: Record<string, ContainerState> = {
  'created start': 'running',
  'created pause': 'paused-created',
  'created exec': 'created',
  'created update': 'created',
  'created stats': 'created',
  'created kill': 'created',
  'created destroy': 'stopped',
  'running pause': 'paused-running',
  'running exec': 'running',
  'running update': 'running',
  'running stats': 'running',
  'running kill': 'running',
  'running destroy': 'stopped',
  'paused-created resume': 'created',
  'paused-created update': 'paused-created',
  'paused-created stats': 'paused-created',
  'paused-created kill': 'created',
  'paused-created destroy': 'stopped',
  'paused-running resume': 'running',
  'paused-running update': 'paused-running',
  'paused-running stats': 'paused-running',
  'paused-running kill': 'running',
  'paused-running destroy': 'stopped',
  'stopped kill': 'stopped',
  'stopped destroy': 'stopped',
};

const pairs = containerStates.flatMap((state) =>
  operations.map((operation): [ContainerState, Operation] => [state, operation]),
);

describe('nextState()', () => {
  it.each(pairs)('%s, %s', (state, operation) => {
    const expected = allowed[`${state} ${operation}`];
    if (expected === undefined) {
      expect(() => nextState(state, operation)).toThrow(`cannot ${operation} a container that is ${statusName(state)}`);
    } else {
      expect(nextState(state, operation)).toBe(expected);
    }
  });
});
