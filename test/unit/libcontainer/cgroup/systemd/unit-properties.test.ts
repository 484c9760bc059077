import { describe, expect, it } from 'vitest';
import { annotationProperties } from '../../../../../agent/src/libcontainer/cgroup/systemd/annotation-properties.ts';
import { resourceProperties } from '../../../../../agent/src/libcontainer/cgroup/systemd/unit-properties.ts';
import { resourcesFromJson } from '../../../../../agent/src/oci/from-json/spec-from-json.ts';

const infinity = 0xffff_ffff_ffff_ffffn;

function properties(resources: object, facts = {}): Readonly<Record<string, unknown>> {
  const { value } = resourcesFromJson(JSON.stringify(resources));
  const found = resourceProperties(value, { version: 252, cpuMax: '', ...facts });
  return Object.fromEntries([...found].map(([name, property]) => [name, property.value]));
}

describe('limits as properties of a unit', () => {
  it.each<[string, object, object]>([
    ['shares', { cpu: { shares: 1024 } }, { CPUWeight: 39n }],
    [
      'a quota, in microseconds of each second',
      { cpu: { quota: 50_000, period: 100_000 } },
      { CPUQuotaPeriodUSec: 100_000n, CPUQuotaPerSecUSec: 500_000n },
    ],
    [
      'a quota that is no whole percent, rounded up',
      { cpu: { quota: 33_333, period: 100_000 } },
      { CPUQuotaPeriodUSec: 100_000n, CPUQuotaPerSecUSec: 340_000n },
    ],
    ['no quota', { cpu: { quota: -1 } }, { CPUQuotaPeriodUSec: 100_000n, CPUQuotaPerSecUSec: infinity }],
    ['an idle group', { cpu: { idle: 1 } }, { CPUWeight: 0n }],
    [
      'CPUs and nodes',
      { cpu: { cpus: '0-2,9', mems: '0' } },
      { AllowedCPUs: Uint8Array.of(7, 2), AllowedMemoryNodes: Uint8Array.of(1) },
    ],
    [
      'memory, whose swap counts both',
      { memory: { limit: 1000, swap: 1500, reservation: 500 } },
      { MemoryMax: 1000n, MemorySwapMax: 500n, MemoryLow: 500n },
    ],
    ['no memory limit', { memory: { limit: -1, swap: -1 } }, { MemoryMax: infinity, MemorySwapMax: infinity }],
    ['processes', { pids: { limit: 10 } }, { TasksMax: 10n }],
    ['weight of I/O', { blockIO: { weight: 500 } }, { IOWeight: 4950n }],
    [
      'files of cgroup v2',
      { unified: { 'memory.high': '5', 'memory.min': 'max', 'cpu.max': '1000 10000', 'pids.max': '3' } },
      { MemoryHigh: 5n, MemoryMin: infinity, CPUQuotaPeriodUSec: 10_000n, CPUQuotaPerSecUSec: 100_000n, TasksMax: 3n },
    ],
    ['files that win over the rest', { pids: { limit: 10 }, unified: { 'pids.max': '20' } }, { TasksMax: 20n }],
    ['files without a property', { unified: { 'hugetlb.2MB.max': '0', 'memory.oom.group': '1' } }, {}],
    ['nothing', {}, {}],
  ])('%s', (_, resources, expected) => {
    expect(properties(resources)).toEqual(expected);
  });

  it('half of a quota keeps the other half', () => {
    const facts = { cpuMax: '20000 50000\n' };
    expect(properties({ cpu: { quota: 5_000 } }, facts)).toMatchObject({ CPUQuotaPerSecUSec: 100_000n });
    expect(properties({ cpu: { period: 40_000 } }, facts)).toEqual({
      CPUQuotaPeriodUSec: 40_000n,
      CPUQuotaPerSecUSec: 500_000n,
    });
  });

  it('an old systemd gets only what it knows', () => {
    const resources = { cpu: { quota: 50_000, period: 100_000, cpus: '0', idle: 1 } };
    expect(properties(resources, { version: 239 })).toEqual({ CPUQuotaPerSecUSec: 500_000n });
  });

  it('a list of CPUs that is none names its field', () => {
    const { value } = resourcesFromJson(JSON.stringify({ unified: { 'cpuset.cpus': '5-1' } }));
    expect(() => resourceProperties(value, { version: 252, cpuMax: '' })).toThrow('unified[cpuset.cpus]');
  });
});

describe('annotations as properties', () => {
  const of = (annotations: Record<string, string>): object =>
    Object.fromEntries(annotationProperties(new Map(Object.entries(annotations))));

  it('are read with their types; seconds become microseconds', () => {
    expect(
      of({
        'org.systemd.property.CollectMode': "'inactive'",
        'org.systemd.property.TimeoutStopSec': 'uint64 90',
        'org.systemd.property.RuntimeMaxSec': '1.5',
        'io.other': 'x',
      }),
    ).toEqual({
      CollectMode: { signature: 's', value: 'inactive' },
      TimeoutStopUSec: { signature: 't', value: 90_000_000n },
      RuntimeMaxUSec: { signature: 't', value: 1_500_000n },
    });
  });

  it.each([
    ['org.systemd.property.x', '1'],
    ['org.systemd.property.A-B', '1'],
    ['org.systemd.property.', '1'],
    ['org.systemd.property.Slice', 'nonsense'],
    ['org.systemd.property.TimeoutStopSec', "'5'"],
    ['org.systemd.property.TimeoutStopSec', '-5'],
  ])('%s = %s is refused by name', (key, text) => {
    expect(() => of({ [key]: text })).toThrow(`annotations[${key}]`);
  });
});
