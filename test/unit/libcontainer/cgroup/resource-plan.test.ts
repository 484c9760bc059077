import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockWeightToIoWeight } from '../../../../agent/src/libcontainer/cgroup/plan-block-io.ts';
import {
  ignoredSettings,
  planResources,
  sharesToWeight,
} from '../../../../agent/src/libcontainer/cgroup/resource-plan.ts';
import type { CurrentLimits } from '../../../../agent/src/libcontainer/cgroup/resource-plan.ts';
import { emptyResources } from '../../../../agent/src/oci/spec.ts';
import type { BlockIoResources, CpuResources, MemoryResources, Resources } from '../../../../agent/src/oci/spec.ts';
import { validateResources } from '../../../../agent/src/oci/validate-resources.ts';
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
        ['memory.swap.max', '500'],
        ['memory.max', '1000'],
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
    [
      'huge pages and their reservations',
      { HugepageLimits: [{ Pagesize: '2MB', Limit: 4 }] },
      undefined,
      [
        ['hugetlb.2MB.max', '4'],
        ['hugetlb.2MB.rsvd.max', '4'],
      ],
    ],
  ];
  it.each(cases)('writes %s', (_title, proto, cpuMax, expected) => {
    expect(writes(proto, cpuMax)).toEqual(expected);
  });

  it('refuses swap without a memory limit', () => {
    expect(() => writes({ Memory: { Swap: 5 } })).toThrow('memory.swap');
  });
});

const noCpu: CpuResources = {
  shares: undefined,
  quota: undefined,
  period: undefined,
  burst: undefined,
  idle: undefined,
  realtimeRuntime: undefined,
  realtimePeriod: undefined,
  cpus: undefined,
  mems: undefined,
};
const noMemory: MemoryResources = {
  limit: undefined,
  reservation: undefined,
  swap: undefined,
  swappiness: undefined,
  disableOomKiller: false,
  checkBeforeUpdate: false,
};
const noBlockIo: BlockIoResources = {
  weight: undefined,
  leafWeight: undefined,
  weightDevices: [],
  readBps: [],
  writeBps: [],
  readIops: [],
  writeIops: [],
};

function lines(resources: Partial<Resources>, current: CurrentLimits = { cpuMax: undefined }): string[] {
  return planResources({ ...emptyResources, ...resources }, current).map(({ file, value }) => `${file} ${value}`);
}

describe('planResources() with values that only config.json can hold', () => {
  it.each<[string, Partial<Resources>, CurrentLimits, string[]]>([
    ['-1 as no limit', { cpu: { ...noCpu, quota: -1n } }, { cpuMax: '5 1000' }, ['cpu.max max 1000']],
    [
      'no memory limit, which is no swap limit either',
      { memory: { ...noMemory, limit: -1n } },
      { cpuMax: undefined },
      ['memory.swap.max max', 'memory.max max'],
    ],
    ['swap without end', { memory: { ...noMemory, swap: -1n } }, { cpuMax: undefined }, ['memory.swap.max max']],
    [
      'no swap at all',
      { memory: { ...noMemory, limit: 7n, swap: 7n } },
      { cpuMax: undefined },
      ['memory.swap.max 0', 'memory.max 7'],
    ],
    [
      'a lower burst before a lower quota',
      { cpu: { ...noCpu, quota: 5000n, burst: 4000n } },
      { cpuMax: '9000 10000' },
      ['cpu.max.burst 4000', 'cpu.max 5000 10000'],
    ],
    [
      'a higher burst after a higher quota',
      { cpu: { ...noCpu, quota: 50000n, burst: 40000n } },
      { cpuMax: '9000 10000' },
      ['cpu.max 50000 10000', 'cpu.max.burst 40000'],
    ],
    ['idle, which has no weight', { cpu: { ...noCpu, idle: 1n, shares: 99n } }, { cpuMax: undefined }, ['cpu.idle 1']],
    [
      'weights as they are for BFQ',
      { blockIo: { ...noBlockIo, weight: 1000, weightDevices: [{ major: 8n, minor: 0n, weight: 10 }] } },
      { cpuMax: undefined, hasBfqWeight: true },
      ['io.bfq.weight 1000', 'io.bfq.weight 8:0 10'],
    ],
    [
      'weights converted for others',
      { blockIo: { ...noBlockIo, weight: 1000, weightDevices: [{ major: 8n, minor: 0n, weight: 10 }] } },
      { cpuMax: undefined, hasBfqWeight: false },
      ['io.weight 10000', 'io.weight 8:0 1'],
    ],
    [
      'a rate of 0 as no limit',
      { blockIo: { ...noBlockIo, writeIops: [{ major: 8n, minor: 0n, rate: 0n }] } },
      { cpuMax: undefined },
      ['io.max 8:0 wiops=max'],
    ],
    [
      'devices of rdma',
      { rdma: new Map([['mlx5_1', { hcaHandles: 3, hcaObjects: undefined }]]) },
      { cpuMax: undefined },
      ['rdma.max mlx5_1 hca_handle=3'],
    ],
    [
      'unified last, line by line',
      { pids: 5n, unified: new Map([['io.max', '8:0 rbps=1\n8:16 rbps=2\n']]) },
      { cpuMax: undefined },
      ['pids.max 5', 'io.max 8:0 rbps=1', 'io.max 8:16 rbps=2'],
    ],
  ])('writes %s', (_title, resources, current, expected) => {
    expect(lines(resources, current)).toEqual(expected);
  });

  it('refuses a limit below the use when asked to check', () => {
    const memory = { ...noMemory, limit: 5n, checkBeforeUpdate: true };
    expect(() => lines({ memory }, { cpuMax: undefined, memoryUsage: 6n })).toThrow('below the 6 bytes in use');
    expect(lines({ memory }, { cpuMax: undefined, memoryUsage: 5n })).toEqual(['memory.max 5']);
  });

  it('names what cgroup v2 has no counterpart for', () => {
    const ignored = ignoredSettings({
      ...emptyResources,
      memory: { ...noMemory, swappiness: 5n, disableOomKiller: true },
      blockIo: { ...noBlockIo, leafWeight: 10 },
      network: { classId: 5, priorities: new Map() },
    });
    expect(ignored.map((text) => text.split(':')[0])).toEqual([
      'linux.resources.memory.swappiness',
      'linux.resources.memory.disableOOMKiller',
      'linux.resources.blockIO.leafWeight',
      'linux.resources.network',
    ]);
  });
});

describe('validateResources()', () => {
  const rule = { allow: true, type: 'c', major: 1n, minor: 3n, access: 'rwm' } as const;

  it.each<[string, Partial<Resources>]>([
    ['cpu.cpus', { cpu: { ...noCpu, cpus: '0-1;2' } }],
    ['cpu.idle', { cpu: { ...noCpu, idle: 2n } }],
    ['cpu.realtime', { cpu: { ...noCpu, realtimeRuntime: 5n } }],
    ['memory.swap', { memory: { ...noMemory, swap: 5n } }],
    ['memory.swap', { memory: { ...noMemory, swap: 5n, limit: -1n } }],
    ['memory.swap', { memory: { ...noMemory, swap: 5n, limit: 6n } }],
    ['memory.swap', { memory: { ...noMemory, swap: -2n, limit: 6n } }],
    ['hugepageLimits[0]', { hugepages: [{ pageSize: '2MB/../../x', limit: 1n }] }],
    ['unified', { unified: new Map([['../cgroup.procs', '1']]) }],
    ['unified', { unified: new Map([['cgroup.procs', '1']]) }],
    ['unified', { unified: new Map([['a/b', '1']]) }],
    ['rdma', { rdma: new Map([['a b', { hcaHandles: 1, hcaObjects: 1 }]]) }],
    ['devices[1].access', { devices: [rule, { ...rule, access: 'x' }] }],
    ['devices[0].access', { devices: [{ ...rule, access: '' }] }],
    ['devices[0].major', { devices: [{ ...rule, major: 1n << 32n }] }],
    ['devices[0].minor', { devices: [{ ...rule, minor: -2n }] }],
    ['devices', { devices: new Array(5000).fill(rule) }],
  ])('CGN-03 CGN-05 refuses a bad linux.resources.%s', (field, resources) => {
    expect(() => validateResources({ ...emptyResources, ...resources })).toThrow(`linux.resources.${field}`);
  });

  it('takes what runc takes', () => {
    const memory = { ...noMemory, swap: -1n };
    const unified = new Map([['memory.high', '5']]);
    expect(() => validateResources({ ...emptyResources, memory, unified, devices: [rule] })).not.toThrow();
  });
});

describe('blockWeightToIoWeight()', () => {
  it.each([
    [10, 1],
    [100, 910],
    [500, 4950],
    [1000, 10000],
    [0, 1],
    [65535, 10000],
  ])('weight %s becomes %s', (weight, expected) => {
    expect(blockWeightToIoWeight(weight)).toBe(expected);
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
