/**
 * Shows that a sandbox survives what hosts and containers do to it:
 *
 *     npx tsx test/soak/main.ts [--short | --long] [--place process|vm] [--json] [--charts FOLDER] [--seed N] [SCENARIO...]
 *
 * The exit status is 0 only if everything held.
 */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { releaseAgent, repository } from '../support/repository.ts';
import { seededRandom } from './random.ts';
import { formatOutcomes } from './report/outcome-tables.ts';
import { writeCharts } from './report/write-charts.ts';
import { runScenario, type Outcome } from './run-scenario.ts';
import type { PlaceKind } from './places/place.ts';
import type { Extent, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all-scenarios.ts';

const USAGE = `usage: npx tsx test/soak/main.ts [OPTION...] [SCENARIO...]

scenarios (default: all): ${SCENARIOS.map(({ name }) => name).join(' ')}

  --short         seconds instead of minutes, without a VM
  --long          ten times as much
  --place PLACE   only process (the agent as a process of this machine), or only vm
  --json          one JSON document instead of tables
  --charts FOLDER where the drawings go (default build/soak)
  --seed N        the moments of a run that is to be repeated
`;

interface Arguments {
  readonly extent: Extent;
  readonly places: readonly PlaceKind[];
  readonly isJson: boolean;
  readonly charts: string;
  readonly seed: number;
  readonly scenarios: readonly Scenario[];
}

/** @throws Error for what it does not know */
function parseArguments(): Arguments | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      short: { type: 'boolean' },
      long: { type: 'boolean' },
      place: { type: 'string' },
      json: { type: 'boolean' },
      charts: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const unknown = positionals.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown !== undefined) throw new Error(`no scenario ${unknown}\n${USAGE}`);
  const { place } = values;
  if (place !== undefined && place !== 'process' && place !== 'vm') throw new Error(`no place ${place}\n${USAGE}`);
  const isShort = values.short === true;
  const named = SCENARIOS.filter(({ name }) => positionals.includes(name));
  const byDefault = SCENARIOS.filter(({ isInShort }) => isInShort || !isShort);
  return {
    extent: isShort ? 'short' : values.long === true ? 'long' : 'normal',
    places: place !== undefined ? [place] : isShort ? ['process'] : ['process', 'vm'],
    isJson: values.json === true,
    charts: values.charts ?? join(repository, 'build', 'soak'),
    seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 32)),
    scenarios: named.length > 0 ? named : byDefault,
  };
}

/** @returns true when everything held */
async function run(options: Arguments): Promise<boolean> {
  const outcomes: Outcome[] = [];
  const say = (text: string): void => {
    if (!options.isJson) process.stderr.write(text);
  };
  say(`seed ${options.seed}\n`);
  for (const kind of options.places) {
    for (const scenario of options.scenarios.filter(({ places }) => places.includes(kind))) {
      say(`${kind.padEnd(8)} ${scenario.title} ...`);
      const random = seededRandom(options.seed);
      const outcome = await runScenario(scenario, kind, { extent: options.extent, random });
      outcomes.push(outcome);
      say(` ${outcome.problems.length === 0 ? 'holds' : 'BROKEN'} after ${outcome.seconds.toFixed(0)} s\n`);
    }
  }
  const charts = writeCharts(options.charts, outcomes).map((file) => relative(process.cwd(), file));
  const holds = outcomes.every(({ problems }) => problems.length === 0);
  if (options.isJson) {
    const report = { seed: options.seed, extent: options.extent, holds, outcomes, charts };
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  } else process.stdout.write(`${formatOutcomes(outcomes, charts)}\n${holds ? 'everything held' : 'BROKEN'}\n`);
  return holds;
}

try {
  if (!existsSync(releaseAgent)) throw new Error('nothing was built; `make all` does it');
  const options = parseArguments();
  if (options === undefined) process.stdout.write(USAGE);
  else if (!(await run(options))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
