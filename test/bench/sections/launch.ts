import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { allChildrenOf, childrenOf } from '../../support/agent/kernel-view.ts';
import { startAgent, type AgentProcess } from '../../support/agent/start-agent.ts';
import { within } from '../../support/eventually.ts';
import { awaitSuccess, create, remove, runTrue, start } from '../agent-work.ts';
import { stepChart } from '../chart/step-chart.ts';
import { cutLaunches, STEPS, type StepTime } from '../launch/launch-steps.ts';
import { pageFaults } from '../launch/page-faults.ts';
import { parseTrace } from '../launch/trace.ts';
import { formatNumber } from '../report/format-number.ts';
import type { BenchContext, SectionReport, SkippedSection } from '../report/section.ts';
import type { TextTable } from '../report/text-table.ts';
import { summarize } from '../statistics.ts';

const TITLE = 'One launch, step by step';
/** Launches before the measured ones. */
const WARM_UP = 5;
const TRACER_MS = 10_000;

/** The agent's system calls, those of its zygote, and those of all that either starts, while `work` runs. */
async function trace(agent: AgentProcess, output: string, work: () => Promise<void>): Promise<string> {
  const traced = [agent.pid, ...allChildrenOf(agent.pid).map(({ pid }) => pid)].flatMap((pid) => ['-p', String(pid)]);
  const strace = spawn('strace', ['-f', '-ttt', '-s', '80', '-o', output, ...traced], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(strace, 'close');
  try {
    await within(TRACER_MS, 'strace to attach', Promise.race([once(strace.stderr, 'data'), closed]));
    await work();
  } finally {
    strace.kill('SIGINT');
    await closed;
  }
  return readFileSync(output, 'latin1');
}

/** Who took how many page faults in a launch, medians: agent, init until it is ready, and all of the container's process. */
async function countFaults(client: AgentClient, pid: number, root: string, count: number): Promise<TextTable> {
  const rows: [number, number, number][] = [];
  for (let index = 0; index < count; index++) {
    const before = pageFaults(pid);
    const id = await create(client, root);
    const init = childrenOf(pid)[0];
    if (init === undefined) throw new Error('the container has no process');
    const initFaults = pageFaults(init.pid).own;
    await start(client, id);
    await awaitSuccess(client, id);
    await remove(client, id);
    const after = pageFaults(pid);
    rows.push([after.own - before.own, initFaults, after.children - before.children - initFaults]);
  }
  const median = (column: 0 | 1 | 2): string => formatNumber(summarize(rows.map((row) => row[column])).median);
  return {
    title: 'page faults',
    columns: ['page faults of a launch', 'count'],
    rows: [
      ['agent, from CreateContainer to RemoveContainer', median(0)],
      ['new process until it is ready', median(1)],
      ['start gate, execve and the program', median(2)],
    ],
  };
}

function stepTable(steps: readonly StepTime[]): TextTable {
  const total = steps.reduce((sum, { ms }) => sum + ms, 0);
  const calls = steps.reduce((sum, step) => sum + step.calls, 0);
  const row = (name: string, actor: string, { ms, calls: count }: StepTime): string[] => [
    ...[name, actor, formatNumber(ms), ((ms / total) * 100).toFixed(1), String(count)],
  ];
  return {
    title: 'steps',
    columns: ['step', 'by', 'ms under strace', '%', 'system calls'],
    rows: [
      ...STEPS.map(({ name, actor }, index) => row(name, actor, steps[index] ?? { ms: NaN, calls: NaN })),
      row('all', '', { ms: total, calls }),
    ],
  };
}

/** Where the time of a launch goes, from the time stamps of its system calls. */
export async function measureLaunch(context: BenchContext): Promise<SectionReport | SkippedSection> {
  if (spawnSync('strace', ['-V']).status !== 0)
    return { title: TITLE, skipped: 'no strace; `bash rootfs-builder/setup/install.sh packages` installs it' };
  const { workspace, chartFolder } = context;
  await using agent = await startAgent({ elf: workspace.agent });
  const client = await agent.connect();
  await client.call('CreateSandbox', { sandbox_id: 'bench', hostname: 'bench' });
  for (let index = 0; index < WARM_UP; index++) await runTrue(client, workspace.root);
  const count = context.amount(3, 21);
  const faults = await countFaults(client, agent.pid, workspace.root, count);
  const text = await trace(agent, join(workspace.folder, 'launch.trace'), async () => {
    for (let index = 0; index < count; index++) await runTrue(client, workspace.root);
  });
  const launches = cutLaunches(parseTrace(text));
  const steps = STEPS.map((_, index) => ({
    ms: summarize(launches.map((launch) => launch[index]?.ms ?? NaN)).median,
    calls: summarize(launches.map((launch) => launch[index]?.calls ?? NaN)).median,
  }));
  let startMs = 0;
  const bars = STEPS.map(({ name, actor }, index) => {
    const lengthMs = steps[index]?.ms ?? NaN;
    const bar = { name, actor, startMs, lengthMs };
    startMs += lengthMs;
    return bar;
  });
  mkdirSync(chartFolder, { recursive: true });
  const chart = join(chartFolder, 'launch-steps.svg');
  writeFileSync(chart, stepChart('One container launch: shares of time under strace', bars));
  return {
    title: TITLE,
    comparisons: [],
    tables: [stepTable(steps), faults],
    notes: [
      `medians of ${launches.length} launches; strace makes every call several times as long, so read the shares, and the calls more than the times`,
    ],
    charts: [chart],
  };
}
