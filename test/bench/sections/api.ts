import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { residentKib } from '../../support/agent/kernel-view.ts';
import { startAgent } from '../../support/agent/start-agent.ts';
import { checkLatency, checkRate, IN_FLIGHT, stdinRate, stdoutRate } from '../agent-load.ts';
import { create, remove, runTrue, start } from '../agent-work.ts';
import { lineChart } from '../chart/line-chart.ts';
import { sparkline } from '../chart/sparkline.ts';
import { formatNumber } from '../report/format-number.ts';
import type { BenchContext, SectionReport } from '../report/section.ts';

/** Looks at the memory in one run. */
const LOOKS = 60;
/** Less than this is no growth worth a bar, in MB. */
const NOISE_MB = 0.5;
const KIB_PER_MB = 1_000_000 / 1024;
const BYTES_PER_MB = 1_000_000;
/** Long enough for the collection of an idle agent. */
const IDLE_MS = 2500;

interface MemoryPoint {
  readonly x: number;
  readonly y: number;
}

/** Resident memory of the agent while containers come and go. The last point is after a rest. */
async function memoryOverCycles(
  client: AgentClient,
  pid: number,
  root: string,
  cycles: number,
): Promise<readonly MemoryPoint[]> {
  const look = (x: number): MemoryPoint => ({ x, y: residentKib(pid) / KIB_PER_MB });
  const points = [look(0)];
  const step = Math.max(1, Math.floor(cycles / LOOKS));
  for (let cycle = 1; cycle <= cycles; cycle++) {
    await runTrue(client, root);
    if (cycle % step === 0) points.push(look(cycle));
  }
  await sleep(IDLE_MS);
  points.push(look(cycles));
  return points;
}

/** Speed of the API over a Unix socket, and the agent's memory over many containers. */
export async function measureApi(context: BenchContext): Promise<SectionReport> {
  const { root, agent: elf } = context.workspace;
  await using agent = await startAgent({ elf });
  const client = await agent.connect();
  const latency = await checkLatency(client, context.amount(200, 2000));
  const rate = await checkRate(client, context.amount(1000, 20_000));
  await client.call('CreateSandbox', { sandbox_id: 'bench', hostname: 'bench' });
  const id = await create(client, root, ['/bin/sleep', '100000']);
  await start(client, id);
  const bytes = context.amount(8, 256) * BYTES_PER_MB;
  const stdout = await stdoutRate(client, id, bytes);
  const stdin = await stdinRate(client, id, bytes);
  await remove(client, id);

  const cycles = context.amount(60, 1000, 10_000);
  const points = await memoryOverCycles(client, agent.pid, root, cycles);
  mkdirSync(context.chartFolder, { recursive: true });
  const chart = join(context.chartFolder, 'agent-memory.svg');
  const title = `Resident memory of the agent over ${cycles.toLocaleString('en-US')} containers`;
  writeFileSync(chart, lineChart({ title, unit: 'MB', xTitle: 'containers', points }));
  const values = points.map(({ y }) => y);
  const [first = NaN, last = NaN] = [values[0], values.at(-1)];
  return {
    title: 'API, on this machine',
    comparisons: [
      {
        title: 'over a Unix socket',
        peers: [],
        rows: [
          { name: 'Check', unit: 'ms', ours: latency },
          { name: `Checks with ${IN_FLIGHT} in flight`, unit: '/s', ours: rate },
          { name: 'standard output', unit: 'MB/s', ours: stdout },
          { name: 'standard input', unit: 'MB/s', ours: stdin },
          { name: 'resident memory before the containers', unit: 'MB', ours: first },
          { name: `after ${cycles.toLocaleString('en-US')} of them`, unit: 'MB', ours: last },
          { name: 'most in between', unit: 'MB', ours: Math.max(...values) },
        ],
      },
    ],
    tables: [],
    notes: [
      `resident memory over ${cycles.toLocaleString('en-US')} containers: ${sparkline(values, NOISE_MB)} ` +
        `(${formatNumber(Math.min(...values))} to ${formatNumber(Math.max(...values))} MB)`,
      `streams: ${bytes / BYTES_PER_MB} MB, 32 KiB a request, one request at a time`,
    ],
    charts: [chart],
  };
}
