import { O_WRONLY } from '../../abi/constants.ts';
import { EAGAIN, EINVAL } from '../../abi/errno.ts';
import type { Logger } from '../../base/log.ts';
import { encodeBytes } from '../../base/text.ts';
import type { MetricFamily } from '../../codec/prometheus-text.ts';
import { CGROUP_ROOT } from '../../guest/boot/boot-plan.ts';
import { sysKernelFiles } from '../../guest/files/sys-kernel-files.ts';
import { groupStallUs, MemAgent, RECLAIM_CHILD_MS, type MemoryGroup } from '../../guest/memory/mem-agent.ts';
import type { MemAgentConfig } from '../../guest/memory/mem-agent-config.ts';
import type { MemAgentServices } from '../../guest/memory/mem-agent-services.ts';
import { reclaimInSteps, type ReclaimResult } from '../../guest/memory/reclaim-in-steps.ts';
import { item, itemGauge, keyedCounts } from '../../guest/metrics/family.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { open, tryWrite, writeFile } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { offload } from '../../sys/offload.ts';
import type { Reaper } from '../../sys/reaper.ts';
import { sysError } from '../../sys/syscall.ts';
import { monotonicMs } from '../../sys/system.ts';

export interface MemAgentParts {
  readonly loop: EventLoop;
  readonly reaper: Reaper;
  readonly log: Logger;
  readonly sandbox: Sandbox;
  readonly cgroupRoot: string | undefined;
  readonly config: MemAgentConfig;
}

export interface RunningMemAgent {
  readonly services: MemAgentServices;
  families(): MetricFamily[];
}

/** The memory agent, as far as this guest's kernel can carry it; read only when the settings switch it on. */
export function startMemAgent(parts: MemAgentParts): RunningMemAgent {
  const { loop, sandbox } = parts;
  const root = parts.cgroupRoot ?? CGROUP_ROOT;
  const agent = new MemAgent(
    {
      files: sysKernelFiles,
      groups: () =>
        sandbox.containerIds.flatMap((id) => {
          const container = sandbox.container(id);
          const cgroup = container.isCreated ? container.handle.cgroup : undefined;
          return cgroup === undefined ? [] : [{ id, path: `${root}${cgroup.path}` }];
        }),
      nowMs: () => loop.now(),
      setTimer: (delayMs, onExpiry) => {
        const timer = loop.setTimer(delayMs, onExpiry);
        return () => timer.cancel();
      },
      reclaim: async (group, order, percentLimit, deadlineMs) => {
        const work = (): readonly [string, ReclaimResult['end']] => {
          const { bytes, end } = reclaimInSteps(childWorld(group), order, percentLimit, deadlineMs);
          // A bigint does not survive JSON.
          return [String(bytes), end];
        };
        const [bytes, end] = await offload(parts, `reclaim from ${group.id}`, work, { deadlineMs: RECLAIM_CHILD_MS });
        return { bytes: BigInt(bytes), end };
      },
      compact: async (deadlineMs, signal) => {
        const work = (): void => writeFile('/proc/sys/vm/compact_memory', '1');
        await offload(parts, 'compact memory', work, { deadlineMs, signal });
      },
      log: parts.log.child('mem-agent'),
    },
    parts.config,
  );
  return {
    services: agent,
    families: () => {
      const { reclaimRuns, reclaimedBytes, compactions } = agent.counts;
      return [
        itemGauge('kihon_agent_memory', 'What the memory agent has done.', [
          item('compactions', compactions),
          item('reclaim_runs', reclaimRuns),
          item('reclaimed_bytes', reclaimedBytes),
        ]),
      ];
    },
  };
}

/** The kernel as the child sees it that reclaims from one cgroup (Documentation/admin-guide/cgroup-v2.rst, memory.reclaim). */
function childWorld(group: MemoryGroup): Parameters<typeof reclaimInSteps>[0] {
  const path = `${group.path}/memory.reclaim`;
  const write = (text: string): number => {
    using file = open(path, O_WRONLY);
    const bytes = encodeBytes(text);
    return tryWrite(file, bytes);
  };
  return {
    reclaim: (bytes, swappiness) => {
      let result = write(`${bytes} swappiness=${swappiness}`);
      // Kernels before 6.9 do not know the key. Without swap it does not matter; with it, only who wants to swap goes on.
      if (result === -EINVAL && (swappiness > 0 || !hasSwap())) result = write(String(bytes));
      if (result === -EAGAIN) return false;
      if (result < 0) throw sysError('write', result, path);
      return true;
    },
    stallUs: () => groupStallUs(sysKernelFiles, group.path),
    nowMs: monotonicMs,
  };
}

function hasSwap(): boolean {
  return (keyedCounts(sysKernelFiles.tryRead('/proc/meminfo') ?? '').get('SwapTotal') ?? 0n) > 0n;
}
