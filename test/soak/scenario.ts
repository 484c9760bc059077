import type { AgentClient } from '../../host/client/agent-client.ts';
import type { Place, PlaceKind } from './places/place.ts';

/** `short` shows in seconds that it holds; `normal` is the amount that is promised; `long` looks for slow growth too. */
export type Extent = 'short' | 'normal' | 'long';

export interface ScenarioContext {
  readonly place: Place;
  readonly extent: Extent;
  /** A connection of the scenario's own. */
  readonly client: AgentClient;
  /** From the run's seed: between 0 and 1. */
  readonly random: () => number;
  /** The value for the extent; `long` counts as normal where nothing is said. */
  amount(short: number, normal: number, long?: number): number;
  /** Something that does not hold. The scenario goes on. */
  problem(text: string): void;
  /** What it does now: a scenario that hangs is told apart by it. */
  step(text: string): void;
  /** Something for the report. */
  note(text: string): void;
}

/** For containers that shall be there until they are ended: the clock of an emulated guest on a busy machine may run many times too fast. */
export const FOR_EVER = ['sleep', '100000000'];

/** Something that a sandbox must survive. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly places: readonly PlaceKind[];
  /** Part of the short form. */
  readonly isInShort: boolean;
  /** Memory of a guest, where the usual 256 MiB are too little for it. */
  readonly guestMemoryMib?: number;
  /** How much more anonymous memory the agent may hold while it lasts, in KiB. */
  readonly growthKib?: number;
  /** Leaves the sandbox as it found it. @throws Error for what makes no sense to go on with */
  run(context: ScenarioContext): Promise<void>;
}

/** Fails the scenario unless it holds. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
