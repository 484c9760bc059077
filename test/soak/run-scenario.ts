import { setTimeout as sleep } from 'node:timers/promises';
import { Scope } from '../../agent/src/base/scope.ts';
import { removeLeftContainers } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { ProcessPlace } from './places/process-place.ts';
import { residueSince, settledHoldings } from './places/settle.ts';
import { VmPlace } from './places/vm-place.ts';
import type { Place, PlaceKind, Vitals } from './places/place.ts';
import type { Extent, Scenario } from './scenario.ts';
import { Progress } from './watch/progress.ts';
import { Pulse } from './watch/pulse.ts';
import { summarizeTimes, type Latency } from './watch/latency.ts';
import { VitalsLog, type TimedVitals } from './watch/vitals-log.ts';

/** What one scenario in one place came to. */
export interface Outcome {
  readonly scenario: string;
  readonly title: string;
  readonly place: PlaceKind;
  readonly seconds: number;
  /** Checks before the scenario and during it. */
  readonly idle: Latency;
  readonly busy: Latency;
  readonly vitals: readonly TimedVitals[];
  readonly notes: readonly string[];
  /** What does not hold; empty is success. */
  readonly problems: readonly string[];
}

export interface RunOptions {
  readonly extent: Extent;
  readonly random: () => number;
}

/**
 * A scenario that has not come to its next step within this is stuck, in ms. There is no limit to the whole: how long a thousand execs
 * take on an emulated processor is up to whoever else uses the machine.
 */
const STEP_MS: Readonly<Record<Extent, number>> = { short: 240_000, normal: 1_800_000, long: 3_600_000 };
/** Of Checks of an idle agent. */
const IDLE_MS: Readonly<Record<Extent, number>> = { short: 300, normal: 2000, long: 5000 };
/** For the report: a resting agent collects garbage within this, in ms. The short form waits only when it has to. */
const REST_MS: Readonly<Record<Extent, number>> = { short: 0, normal: 3000, long: 3000 };
/** Check C4: growth of anonymous memory while a scenario lasts, unless it names more, and what may stay, in KiB. */
const GROWTH_KIB = 16 << 10;
const STAYING_KIB = 8 << 10;

/** Of what was left, in a report. */
const RESIDUE_SHOWN = 12;
/** What falls back does so within this, in ms. */
const FALL_BACK_MS = 20_000;

/** Not there yet. */
class Resting extends Error {
  readonly vitals: Vitals;

  constructor(vitals: Vitals) {
    super('the agent has not come to rest');
    this.vitals = vitals;
  }
}

/** Runs a scenario on an agent of its own, and checks what must hold after every one. */
export async function runScenario(scenario: Scenario, kind: PlaceKind, options: RunOptions): Promise<Outcome> {
  await using place: Place =
    kind === 'process' ? await ProcessPlace.start() : await VmPlace.boot(scenario.guestMemoryMib);
  const problems: string[] = [];
  const notes: string[] = [];
  const begin = performance.now();
  const holdings = await settledHoldings(place);
  const idle = await idlePulse(place, IDLE_MS[options.extent]);
  const { busy, log } = await work(scenario, place, options, problems, notes);
  const seconds = (performance.now() - begin) / 1000;
  await checkRest(scenario, place, options.extent, log, holdings, problems);
  try {
    await place.end();
  } catch (error) {
    problems.push(`the end of the agent: ${String(error)}`);
  }
  if (problems.length > 0) notes.push(`end of the log:\n${place.logTail}`);
  const { name, title } = scenario;
  return { scenario: name, title, place: kind, seconds, idle, busy, vitals: log.entries, notes, problems };
}

async function idlePulse(place: Place, ms: number): Promise<Latency> {
  const pulse = await Pulse.start(place);
  await sleep(ms);
  await pulse[Symbol.asyncDispose]();
  return summarizeTimes(pulse.times);
}

async function work(
  scenario: Scenario,
  place: Place,
  { extent, random }: RunOptions,
  problems: string[],
  notes: string[],
): Promise<{ readonly busy: Latency; readonly log: VitalsLog }> {
  // Each goes on until it is ended: whatever fails here must not leave one behind, or the whole run would never end.
  const log = await VitalsLog.start(place);
  await using scope = new Scope();
  scope.defer(() => log[Symbol.asyncDispose]());
  const pulse = await Pulse.start(place);
  scope.defer(() => pulse[Symbol.asyncDispose]());
  const client = await place.connect();
  scope.defer(() => client.close());
  using progress = new Progress(STEP_MS[extent]);
  const context = {
    ...{ place, extent, client, random },
    amount: (short: number, normal: number, long = normal) => ({ short, normal, long })[extent],
    problem: (text: string) => void problems.push(text),
    note: (text: string) => void notes.push(text),
    step: (text: string) => progress.step(text),
  };
  try {
    await Promise.race([scenario.run(context), progress.stuck]);
  } catch (error) {
    problems.push(`${progress.current}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    // What a failed scenario left is no leak of the agent.
    await removeLeftContainers();
  }
  await scope.unwind();
  problems.push(...pulse.problems);
  if (pulse.times.length === 0) problems.push('no Check was answered');
  return { busy: summarizeTimes(pulse.times), log };
}

/** After the scenario: nothing left, memory fallen back, no zombie. */
async function checkRest(
  scenario: Scenario,
  place: Place,
  extent: Extent,
  log: VitalsLog,
  holdings: readonly string[],
  problems: string[],
): Promise<void> {
  try {
    const left = await residueSince(place, holdings);
    if (left.length > 0)
      problems.push(`${left.length} things are not as before: ${left.slice(0, RESIDUE_SHOWN).join('; ')}`);
    await sleep(REST_MS[extent]);
    const first = log.entries[0]?.anonymousKib ?? 0;
    const last = await eventually(async () => {
      const vitals = await log.look();
      if (vitals.anonymousKib - first > STAYING_KIB || vitals.zombies > 0) throw new Resting(vitals);
      return vitals;
    }, FALL_BACK_MS).catch((error: unknown) => {
      if (error instanceof Resting) return error.vitals;
      throw error;
    });
    const { growthKib = GROWTH_KIB } = scenario;
    const growth = log.most('anonymousKib') - first;
    if (growth > growthKib) problems.push(`anonymous memory grew by ${growth} KiB; ${growthKib} are allowed`);
    const stays = last.anonymousKib - first;
    if (stays > STAYING_KIB) problems.push(`${stays} KiB of anonymous memory stay; ${STAYING_KIB} are allowed`);
    if (last.zombies > 0) problems.push(`${last.zombies} children of the agent are zombies`);
  } catch (error) {
    problems.push(`the look at the agent afterwards: ${String(error)}`);
  }
}
