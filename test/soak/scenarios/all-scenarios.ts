import type { Scenario } from '../scenario.ts';
import { containers } from './containers.ts';
import { execs } from './execs.ts';
import { forkBomb } from './fork-bomb.ts';
import { hostReturns } from './host-returns.ts';
import { memoryFull } from './memory-full.ts';
import { raceWithDestroy } from './race-with-destroy.ts';
import { raceWithRemove } from './race-with-remove.ts';
import { twoHosts } from './two-hosts.ts';
import { unreadOutput } from './unread-output.ts';
import { zombies } from './zombies.ts';

/** In the order of the report. */
export const SCENARIOS: readonly Scenario[] = [
  twoHosts,
  hostReturns,
  raceWithRemove,
  raceWithDestroy,
  execs,
  containers,
  unreadOutput,
  zombies,
  forkBomb,
  memoryFull,
];
