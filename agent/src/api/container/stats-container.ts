import type { CgroupStats, MemoryUsage } from '../../libcontainer/cgroup/cgroup-stats.ts';
import type { StatsContainerResponse } from '../../../../proto/gen/agent.js';
import type { Init } from '../../codec/protobuf/message-codec.ts';
import type { AgentHandler } from '../handler.ts';

type ProtoStats = NonNullable<Init<StatsContainerResponse>['cgroup_stats']>;

/** "No limit" of a counter the kernel does not keep (lifecycle 12.7). */
const UNLIMITED = 0xffff_ffff_ffff_ffffn;

/** StatsContainer: a controller that is not there leaves its part out. Network counters are never filled, as upstream. */
export const statsContainer: AgentHandler<'StatsContainer'> = (context, request) => {
  const { cgroup } = context.sandbox.container(request.container_id).handle;
  return cgroup === undefined ? { cgroup_stats: {} } : { cgroup_stats: statsToProto(cgroup.stats()) };
};

/** The cgroup's counters as the API's message. */
export function statsToProto(stats: CgroupStats): ProtoStats {
  return {
    cpu_stats: cpuToProto(stats.cpu),
    memory_stats: memoryToProto(stats.memory),
    pids_stats: stats.pids,
    blkio_stats:
      stats.io === undefined
        ? undefined
        : {
            io_service_bytes_recursive: stats.io.map((entry) => ({
              major: entry.major,
              minor: entry.minor,
              op: entry.op,
              value: entry.value,
            })),
          },
    hugetlb_stats: new Map(
      stats.hugetlb.map((entry) => [entry.pageSize, { usage: entry.usage, max_usage: 0n, failcnt: entry.failures }]),
    ),
  };
}

function cpuToProto(cpu: CgroupStats['cpu']): ProtoStats['cpu_stats'] {
  if (cpu === undefined) return undefined;
  return {
    cpu_usage: { total_usage: cpu.total, usage_in_usermode: cpu.user, usage_in_kernelmode: cpu.kernel },
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttledTime,
    },
  };
}

function memoryToProto(memory: CgroupStats['memory']): ProtoStats['memory_stats'] {
  if (memory === undefined) return undefined;
  const data = (usage: MemoryUsage): { usage: bigint; max_usage: bigint; failcnt: bigint; limit: bigint } => ({
    usage: usage.usage,
    max_usage: usage.maxUsage,
    failcnt: usage.failures,
    limit: usage.limit,
  });
  return {
    cache: memory.cache,
    usage: data(memory.memory),
    swap_usage: data(memory.swap),
    kernel_usage: { limit: UNLIMITED },
    stats: new Map(memory.stats),
  };
}
