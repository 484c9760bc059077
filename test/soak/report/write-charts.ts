import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lineChart } from '../../bench/chart/line-chart.ts';
import type { Outcome } from '../run-scenario.ts';
import { latencyChart } from './latency-chart.ts';

const KIB_PER_MIB = 1024;

/** Draws the latencies of all scenarios and the memory of each, and gives the files' names. */
export function writeCharts(folder: string, outcomes: readonly Outcome[]): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const latencies = join(folder, 'latency.svg');
  writeFileSync(latencies, latencyChart(outcomes));
  const memories = outcomes.map(({ scenario, title, place, vitals }) => {
    const file = join(folder, `memory-${scenario}-${place}.svg`);
    const points = vitals.map(({ atMs, residentKib }) => ({
      x: Math.round(atMs) / 1000,
      y: residentKib / KIB_PER_MIB,
    }));
    const where = place === 'vm' ? 'in a VM' : 'as a process';
    const chart = { title: `Resident memory of the agent, ${where}: ${title}`, unit: 'MiB', xTitle: 's', points };
    writeFileSync(file, lineChart(chart));
    return file;
  });
  return [latencies, ...memories];
}
