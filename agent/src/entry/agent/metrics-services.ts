import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { MetricFamily } from '../../codec/prometheus-text.ts';
import { parseAuxv } from '../../codec/auxv.ts';
import { sysKernelFiles } from '../../guest/files/sys-kernel-files.ts';
import { collectMetrics } from '../../guest/metrics/collect-metrics.ts';
import { item, itemGauge, type KernelUnits } from '../../guest/metrics/family.ts';
import type { StatfsNumbers } from '../../guest/metrics/filesystem-metrics.ts';
import type { MetricsServices } from '../../guest/metrics/metrics-services.ts';
import { readFile } from '../../sys/file.ts';
import { statfs } from '../../sys/statfs.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { offload, offloadCounts } from '../../sys/offload.ts';
import type { Reaper } from '../../sys/reaper.ts';

/** elf.h. */
const AT_PAGESZ = 6;
const AT_CLKTCK = 17;

/** File systems answer at once or hang; the scrape goes on without them. */
const MEASURE_DEADLINE_MS = 2000;
/** After that they are left alone for a while: children that hang are few in number. */
const MEASURE_PAUSE_MS = 60_000;

interface Parts {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
  readonly log: Logger;
  readonly families: () => readonly MetricFamily[];
}

/** Work that may block, in children of the agent; who is abandoned hangs in the kernel. */
function childrenFamily(): MetricFamily {
  const { running, abandoned } = offloadCounts();
  return itemGauge('kihon_agent_children', 'Children of the agent that do work which may block.', [
    item('abandoned', abandoned),
    item('running', running),
  ]);
}

function kernelUnits(): KernelUnits {
  const values = parseAuxv(readFile('/proc/self/auxv'));
  return { ticksPerSecond: values[AT_CLKTCK] ?? 100, pageBytes: values[AT_PAGESZ] ?? 4096 };
}

function measureAll(mountPoints: readonly string[]): (StatfsNumbers | null)[] {
  return mountPoints.map((path) => {
    try {
      const { blockSize, blocks, blocksFree, files, filesFree } = statfs(path);
      return [blockSize, blocks, blocksFree, files, filesFree].map(String);
    } catch {
      // Unmounted meanwhile, or over-mounted by something that cannot be reached.
      return null;
    }
  });
}

export function createMetricsServices(parts: Parts): MetricsServices {
  const { loop } = parts;
  const log = parts.log.child('metrics');
  const units = kernelUnits();
  let scrapes = 0;
  let measureAgainAtMs = 0;

  const measure = async (mountPoints: readonly string[]): Promise<(StatfsNumbers | undefined)[]> => {
    if (loop.now() < measureAgainAtMs) return [];
    try {
      const options = { deadlineMs: MEASURE_DEADLINE_MS };
      const found = await offload(parts, 'measure file systems', () => measureAll(mountPoints), options);
      return found.map((numbers) => numbers ?? undefined);
    } catch (error) {
      measureAgainAtMs = loop.now() + MEASURE_PAUSE_MS;
      throw error;
    }
  };

  return {
    collect() {
      scrapes += 1;
      const onFailure = (source: string, error: unknown): void =>
        log.warn('left out of the metrics', { source, error: describeError(error) });
      const own = [childrenFamily(), ...parts.families()];
      return collectMetrics({ files: sysKernelFiles, units, measure, onFailure, own }, scrapes);
    },
  };
}
