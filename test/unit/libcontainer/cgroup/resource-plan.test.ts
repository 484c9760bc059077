import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planResources, sharesToWeight } from '../../../../agent/src/libcontainer/cgroup/resource-plan.ts';
import type { ProtoResources } from '../../../../agent/src/oci/proto-spec.ts';
import { resourcesFromProto } from '../../../../agent/src/oci/resources-from-proto.ts';

function writes(proto: ProtoResources, cpuMax?: string): [string, string][] {
  return planResources(resourcesFromProto(proto), { cpuMax }).map(({ file, value }) => [file, value]);
}

describe('planResources()', () => {
  const cases: [string, ProtoResources, string | undefined, [string, string][]][] = [
    ['nothing for nothing', {}, undefined, []],
    ['the weight of shares', { CPU: { Shares: 1024 } }, undefined, [['cpu.weight', '39']]],
    ['quota and period', { CPU: { Quota: 5000, Period: 20000 } }, 'max 100000\n', [['cpu.max', '5000 20000']]],
    ['quota alone, keeping the period', { CPU: { Quota: 5000 } }, 'max 50000\n', [['cpu.max', '5000 50000']]],
    ['period alone, keeping the quota', { CPU: { Period: 20000 } }, '7000 50000\n', [['cpu.max', '7000 20000']]],
    [
      'cpusets',
      { CPU: { Cpus: ' 0-1 ', Mems: '0' } },
      undefined,
      [
        ['cpuset.cpus', '0-1'],
        ['cpuset.mems', '0'],
      ],
    ],
    [
      'swap as what goes beyond memory',
      { Memory: { Limit: 1000, Swap: 1500, Reservation: 10 } },
      undefined,
      [
        ['memory.max', '1000'],
        ['memory.swap.max', '500'],
        ['memory.low', '10'],
      ],
    ],
    [
      'no file for what v2 does not have',
      { Memory: { Swappiness: 10, DisableOOMKiller: true, Kernel: 5 } },
      undefined,
      [],
    ],
    ['pids', { Pids: { Limit: 5 } }, undefined, [['pids.max', '5']]],
    ['no pids limit', { Pids: { Limit: 0 } }, undefined, [['pids.max', 'max']]],
    [
      'block devices',
      { BlockIO: { Weight: 50, ThrottleReadBpsDevice: [{ Major: 8, Minor: 1, Rate: 99 }] } },
      undefined,
      [
        ['io.bfq.weight', '50'],
        ['io.max', '8:1 rbps=99'],
      ],
    ],
    ['huge pages', { HugepageLimits: [{ Pagesize: '2MB', Limit: 4 }] }, undefined, [['hugetlb.2MB.max', '4']]],
  ];
  it.each(cases)('writes %s', (_title, proto, cpuMax, expected) => {
    expect(writes(proto, cpuMax)).toEqual(expected);
  });

  it('refuses swap without a memory limit', () => {
    expect(() => writes({ Memory: { Swap: 5 } })).toThrow('memory.swap');
  });
});

describe('sharesToWeight()', () => {
  it.each([
    [0n, 1n],
    [1n, 1n],
    [2n, 1n],
    [1024n, 39n],
    [262144n, 10000n],
    [2n ** 63n, 10000n],
  ])('%s shares weigh %s', (shares, weight) => {
    expect(sharesToWeight(shares)).toBe(weight);
  });

  it('stays in range and grows with the shares', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 300000n }), (shares) => {
        const weight = sharesToWeight(shares);
        expect(weight >= 1n && weight <= 10000n && weight <= sharesToWeight(shares + 1n)).toBe(true);
      }),
    );
  });
});
