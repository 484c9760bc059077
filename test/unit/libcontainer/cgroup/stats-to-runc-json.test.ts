import { describe, expect, it } from 'vitest';
import type { CgroupStats } from '../../../../agent/src/libcontainer/cgroup/cgroup-stats.ts';
import { statsToRuncJson } from '../../../../agent/src/libcontainer/cgroup/stats-to-runc-json.ts';

const unlimited = (1n << 64n) - 1n;
const line = { avg10: 1.5, avg60: 0, avg300: 0, total: 9n };

const stats: CgroupStats = {
  cpu: {
    total: 3000n,
    user: 2000n,
    kernel: 1000n,
    periods: 4n,
    throttledPeriods: 1n,
    throttledTime: 5n,
    bursts: 0n,
    burstTime: 0n,
    pressure: { some: line, full: undefined },
  },
  memory: {
    memory: { usage: 100n, maxUsage: 200n, failures: 0n, limit: unlimited },
    swap: { usage: 1n, maxUsage: 0n, failures: 0n, limit: 0n },
    cache: 7n,
    stats: [['anon', 93n]],
    kernelUsage: 3n,
    oomKills: 0n,
    pressure: undefined,
  },
  pids: { current: 2n, limit: 0n },
  io: [
    { major: 8n, minor: 0n, op: 'read', value: 512n },
    { major: 8n, minor: 0n, op: 'rios', value: 1n },
  ],
  ioPressure: undefined,
  hugetlb: [{ pageSize: '2MB', usage: 0n, limit: unlimited, failures: 0n }],
  rdma: { current: [], limit: [] },
};

describe('statsToRuncJson()', () => {
  it('writes one line that runc’s readers understand', () => {
    const text = statsToRuncJson('c"1', stats);
    expect(text).not.toContain('\n');
    expect(JSON.parse(text)).toMatchObject({
      type: 'stats',
      id: 'c"1',
      data: {
        cpu: {
          usage: { total: 3000, kernel: 1000, user: 2000 },
          throttling: { periods: 4 },
          psi: { some: { avg10: 1.5 } },
        },
        memory: { cache: 7, usage: { usage: 100, max: 200, failcnt: 0 }, swap: { usage: 101 }, raw: { anon: 93 } },
        pids: { current: 2 },
        blkio: {
          ioServiceBytesRecursive: [{ major: 8, op: 'Read', value: 512 }],
          ioServicedRecursive: [{ major: 8, op: 'Read', value: 1 }],
        },
        hugetlb: { '2MB': { failcnt: 0 } },
      },
    });
  });

  it('keeps 64-bit numbers exact', () => {
    expect(statsToRuncJson('c', stats)).toContain('"limit":18446744073709551615');
  });

  it('works without any controller', () => {
    const bare: CgroupStats = {
      ...stats,
      cpu: undefined,
      memory: undefined,
      pids: undefined,
      io: undefined,
      hugetlb: [],
    };
    expect(JSON.parse(statsToRuncJson('c', bare))).toMatchObject({ data: { pids: {}, hugetlb: {} } });
  });
});
