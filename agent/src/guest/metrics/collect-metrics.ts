import { formatMetrics, type MetricFamily } from '../../codec/prometheus-text.ts';
import type { KernelFiles } from '../files/kernel-files.ts';
import { selfIo, selfStat, selfStatus } from './agent-metrics.ts';
import type { KernelUnits } from './family.ts';
import { filesystems, measuredMounts, type StatfsNumbers } from './filesystem-metrics.ts';
import { cpuTime, diskStats, loadAverage, netDevices, vmStat } from './guest-metrics.ts';
import { memoryInfo } from './memory-metrics.ts';

/** What a scrape needs from the rest of the agent. */
export interface MetricsContext {
  readonly files: Pick<KernelFiles, 'tryRead'>;
  readonly units: KernelUnits;
  /** statfs(2) of each mount point; undefined where it failed or took too long. */
  readonly measure: (mountPoints: readonly string[]) => Promise<(StatfsNumbers | undefined)[]>;
  /** Families that Kata's agent does not have. */
  readonly own?: readonly MetricFamily[];
  /** A source that could not be read or understood. */
  readonly onFailure: (source: string, error: unknown) => void;
}

const SOURCES: Readonly<Record<string, (text: string, units: KernelUnits) => MetricFamily[]>> = {
  '/proc/self/stat': selfStat,
  '/proc/self/status': selfStatus,
  '/proc/self/io': selfIo,
  '/proc/loadavg': loadAverage,
  '/proc/stat': cpuTime,
  '/proc/vmstat': vmStat,
  '/proc/net/dev': netDevices,
  '/proc/diskstats': diskStats,
  '/proc/meminfo': memoryInfo,
};

/** All families for scrape number `scrape`, as text (boot contract, section 7). A source that fails costs only its own families. */
export async function collectMetrics(context: MetricsContext, scrape: number): Promise<string> {
  const families: MetricFamily[] = [
    {
      name: 'kata_agent_scrape_count',
      type: 'counter',
      help: 'How often these numbers were asked for.',
      samples: [{ labels: [], value: scrape }],
    },
    ...(context.own ?? []),
  ];
  for (const [path, read] of Object.entries(SOURCES)) {
    try {
      const text = context.files.tryRead(path);
      if (text !== undefined) families.push(...read(text, context.units));
    } catch (error) {
      context.onFailure(path, error);
    }
  }
  try {
    const mounts = measuredMounts(context.files.tryRead('/proc/self/mountinfo') ?? '');
    if (mounts.length > 0) {
      const numbers = await context.measure(mounts.map(({ mountPoint }) => mountPoint));
      families.push(...filesystems(mounts, numbers));
    }
  } catch (error) {
    context.onFailure('/proc/self/mountinfo', error);
  }
  return formatMetrics(families);
}
