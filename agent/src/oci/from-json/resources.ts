import { emptyResources } from '../spec.ts';
import type { CpuResources, MemoryResources, Resources } from '../spec.ts';
import { blockIo } from './block-io.ts';
import { deviceRules } from './devices.ts';
import type { IntegerRange } from './integer-range.ts';
import { int64, uint32, uint64 } from './integer-range.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';

/** The keys of a `resources` object (config-linux.md, "Control groups"). */
export const resourceKeys = knownKeys(
  'devices',
  'memory',
  'cpu',
  'pids',
  'blockIO',
  'hugepageLimits',
  'network',
  'rdma',
  'unified',
);
const cpuKeys = knownKeys(
  'shares',
  'quota',
  'burst',
  'period',
  'realtimeRuntime',
  'realtimePeriod',
  'cpus',
  'mems',
  'idle',
);
const memoryKeys = knownKeys(
  'limit',
  'reservation',
  'swap',
  'kernel',
  'kernelTCP',
  'swappiness',
  'disableOOMKiller',
  'useHierarchy',
  'checkBeforeUpdate',
);
const pidsKeys = knownKeys('limit');
const hugepageKeys = knownKeys('pageSize', 'limit');
const rdmaKeys = knownKeys('hcaHandles', 'hcaObjects');
const networkKeys = knownKeys('classID', 'priorities');
const priorityKeys = knownKeys('name', 'priority');

/** Engines send 0 for what they do not set, and runc reads it so; -1 stays, it is "no limit". */
function nonZero(object: JsonObject, key: string, range: IntegerRange): bigint | undefined {
  const value = object.bigint(key, range);
  return value === 0n ? undefined : value;
}

function cpu(resources: JsonObject): CpuResources | undefined {
  const section = resources.object('cpu', cpuKeys);
  if (section === undefined) return undefined;
  return {
    shares: nonZero(section, 'shares', uint64),
    quota: nonZero(section, 'quota', int64),
    period: nonZero(section, 'period', uint64),
    burst: section.bigint('burst', uint64),
    idle: section.bigint('idle', int64),
    realtimeRuntime: nonZero(section, 'realtimeRuntime', int64),
    realtimePeriod: nonZero(section, 'realtimePeriod', uint64),
    cpus: section.text('cpus'),
    mems: section.text('mems'),
  };
}

function memory(resources: JsonObject): MemoryResources | undefined {
  const section = resources.object('memory', memoryKeys);
  if (section === undefined) return undefined;
  for (const key of ['kernel', 'kernelTCP'])
    if (nonZero(section, key, int64) !== undefined) section.warn(key, 'kernel memory has no limit of its own');
  section.boolean('useHierarchy');
  return {
    limit: nonZero(section, 'limit', int64),
    reservation: nonZero(section, 'reservation', int64),
    swap: nonZero(section, 'swap', int64),
    swappiness: section.bigint('swappiness', uint64),
    disableOomKiller: section.boolean('disableOOMKiller'),
    checkBeforeUpdate: section.boolean('checkBeforeUpdate'),
  };
}

function network(resources: JsonObject): Resources['network'] {
  const section = resources.object('network', networkKeys);
  if (section === undefined) return undefined;
  const priorities = section.objects(
    'priorities',
    priorityKeys,
    (entry) => [entry.requiredString('name'), entry.integer('priority', uint32) ?? 0] as const,
  );
  return { classId: section.integer('classID', uint32), priorities: new Map(priorities) };
}

/** The members of a `resources` object. Absent parts stay absent: an update leaves them as they are. */
export function resourcesOf(section: JsonObject | undefined): Resources {
  if (section === undefined) return emptyResources;
  return {
    devices: deviceRules(section),
    cpu: cpu(section),
    memory: memory(section),
    pids: section.object('pids', pidsKeys)?.bigint('limit', int64),
    blockIo: blockIo(section),
    hugepages: section.objects('hugepageLimits', hugepageKeys, (entry) => ({
      pageSize: entry.requiredString('pageSize'),
      limit: entry.bigint('limit', uint64) ?? 0n,
    })),
    unified: section.stringMap('unified'),
    rdma: section.objectMap('rdma', rdmaKeys, (entry) => ({
      hcaHandles: entry.integer('hcaHandles', uint32),
      hcaObjects: entry.integer('hcaObjects', uint32),
    })),
    network: network(section),
  };
}
