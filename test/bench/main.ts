/**
 * Measures Kihon beside others:
 *
 *     npx tsx test/bench/main.ts [--short | --long] [--json] [--charts FOLDER] [SECTION...]
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { products, repository } from '../support/repository.ts';
import { formatSection } from './report/print-report.ts';
import type { BenchContext, Extent, RunSection, SectionReport, SkippedSection } from './report/section.ts';
import { measureApi } from './sections/api.ts';
import { measureBoot } from './sections/boot.ts';
import { measureContainer } from './sections/container.ts';
import { measureOci } from './sections/oci.ts';
import { measureLaunch } from './sections/launch.ts';
import { measureSize } from './sections/size.ts';
import { measureVm } from './sections/vm.ts';
import { Workspace } from './workspace.ts';

const SECTIONS: Readonly<Record<string, RunSection>> = {
  size: measureSize,
  container: measureContainer,
  oci: measureOci,
  api: measureApi,
  boot: measureBoot,
  vm: measureVm,
  launch: measureLaunch,
};

const USAGE = `usage: npx tsx test/bench/main.ts [OPTION...] [SECTION...]

sections (default: all): ${Object.keys(SECTIONS).join(' ')}

  --short         a few samples of each, to see that it runs; no VM where no kernel was built
  --long          10,000 containers in a row instead of 1,000
  --json          one JSON document instead of tables
  --charts FOLDER where the drawings go (default build/bench)
`;

interface Arguments {
  readonly extent: Extent;
  readonly isJson: boolean;
  readonly chartFolder: string;
  readonly sections: readonly string[];
}

/** @throws Error for what it does not know */
function parseArguments(): Arguments | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      short: { type: 'boolean' },
      long: { type: 'boolean' },
      json: { type: 'boolean' },
      charts: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const unknown = positionals.find((name) => !Object.hasOwn(SECTIONS, name));
  if (unknown !== undefined) throw new Error(`no section ${unknown}\n${USAGE}`);
  return {
    extent: values.short === true ? 'short' : values.long === true ? 'long' : 'normal',
    isJson: values.json === true,
    chartFolder: values.charts ?? join(repository, 'build', 'bench'),
    sections: positionals.length > 0 ? positionals : Object.keys(SECTIONS),
  };
}

/** Results by section. */
export type BenchReport = Record<string, SectionReport | SkippedSection>;

async function run(options: Arguments): Promise<void> {
  await using workspace = await Workspace.create();
  const { extent, chartFolder } = options;
  const context: BenchContext = {
    workspace,
    extent,
    chartFolder: relative(process.cwd(), chartFolder) || '.',
    amount: (short, normal, long = normal) => ({ short, normal, long })[extent],
  };
  const report: BenchReport = {};
  const [loadBefore = 0] = loadavg();
  for (const name of options.sections) {
    const measure = SECTIONS[name];
    if (measure === undefined) continue;
    const found = await measure(context);
    report[name] = found;
    if (!options.isJson) process.stdout.write(`${formatSection(name, found)}\n`);
  }
  const [loadAfter = 0] = loadavg();
  const load = `load average before and after: ${loadBefore.toFixed(1)} and ${loadAfter.toFixed(1)}`;
  // Two runs can be compared only when they measured the same build.
  const digest = createHash('sha256').update(readFileSync(workspace.agent)).digest('hex').slice(0, 16);
  if (!options.isJson)
    process.stdout.write(`${load}, on ${availableParallelism()} CPUs\nmeasured agent: sha256 ${digest}\n`);
  if (options.isJson) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
}

if (!existsSync(products)) {
  process.stderr.write('bench: nothing was built; `make all` does it\n');
  process.exitCode = 1;
} else {
  try {
    const options = parseArguments();
    if (options === undefined) process.stdout.write(USAGE);
    else await run(options);
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
