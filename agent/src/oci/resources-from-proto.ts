import { assertNoNul } from './no-nul.ts';
import type { ProtoResources, ProtoThrottle } from './proto-spec.ts';
import { listOf, nonEmpty, positive, toInt64, toUint64 } from './proto-values.ts';
import { emptyResources } from './spec.ts';
import type { BlockIoResources, CpuResources, DeviceRule, MemoryResources, Resources, ThrottleDevice } from './spec.ts';

function cpuFromProto(proto: NonNullable<ProtoResources['CPU']>): CpuResources {
  return {
    shares: positive(toUint64(proto.Shares)),
    quota: positive(toInt64(proto.Quota)),
    period: positive(toUint64(proto.Period)),
    burst: undefined,
    idle: undefined,
    realtimeRuntime: positive(toInt64(proto.RealtimeRuntime)),
    realtimePeriod: positive(toUint64(proto.RealtimePeriod)),
    cpus: nonEmpty(proto.Cpus),
    mems: nonEmpty(proto.Mems),
  };
}

function memoryFromProto(proto: NonNullable<ProtoResources['Memory']>): MemoryResources {
  return {
    limit: positive(toInt64(proto.Limit)),
    reservation: positive(toInt64(proto.Reservation)),
    swap: positive(toInt64(proto.Swap)),
    swappiness: positive(toUint64(proto.Swappiness)),
    disableOomKiller: proto.DisableOOMKiller ?? false,
    checkBeforeUpdate: false,
  };
}

function throttle(list: readonly ProtoThrottle[] | null | undefined): readonly ThrottleDevice[] {
  return listOf(list).map((entry) => ({
    major: toInt64(entry.Major),
    minor: toInt64(entry.Minor),
    rate: toUint64(entry.Rate),
  }));
}

function blockIoFromProto(proto: NonNullable<ProtoResources['BlockIO']>): BlockIoResources {
  return {
    weight: (proto.Weight ?? 0) > 0 ? (proto.Weight ?? 0) : undefined,
    leafWeight: (proto.LeafWeight ?? 0) > 0 ? (proto.LeafWeight ?? 0) : undefined,
    weightDevices: listOf(proto.WeightDevice).map((entry) => ({
      major: toInt64(entry.Major),
      minor: toInt64(entry.Minor),
      weight: entry.Weight ?? 0,
    })),
    readBps: throttle(proto.ThrottleReadBpsDevice),
    writeBps: throttle(proto.ThrottleWriteBpsDevice),
    readIops: throttle(proto.ThrottleReadIOPSDevice),
    writeIops: throttle(proto.ThrottleWriteIOPSDevice),
  };
}

/**
 * Device rules. On the wire an absent number is 0, which is no real major number, so 0 and below are the wildcard there; a
 * minor number is a wildcard when negative or when its major is one.
 */
function deviceRules(proto: ProtoResources['Devices']): readonly DeviceRule[] {
  return listOf(proto).map((rule) => {
    const major = positive(toInt64(rule.Major));
    const minor = toInt64(rule.Minor);
    return {
      allow: rule.Allow ?? false,
      type: rule.Type === 'b' || rule.Type === 'c' ? rule.Type : 'a',
      major,
      minor: major === undefined || minor < 0n ? undefined : minor,
      access: nonEmpty(rule.Access) ?? 'rwm',
    };
  });
}

/** A `LinuxResources` message. Absent parts stay absent: an update leaves them as they are. */
export function resourcesFromProto(proto: ProtoResources | null | undefined): Resources {
  if (proto === null || proto === undefined) return emptyResources;
  const resources: Resources = {
    devices: deviceRules(proto.Devices),
    cpu: proto.CPU === null || proto.CPU === undefined ? undefined : cpuFromProto(proto.CPU),
    memory: proto.Memory === null || proto.Memory === undefined ? undefined : memoryFromProto(proto.Memory),
    pids: proto.Pids === null || proto.Pids === undefined ? undefined : toInt64(proto.Pids.Limit),
    blockIo: proto.BlockIO === null || proto.BlockIO === undefined ? undefined : blockIoFromProto(proto.BlockIO),
    hugepages: listOf(proto.HugepageLimits).map((entry) => ({
      pageSize: entry.Pagesize ?? '',
      limit: toUint64(entry.Limit),
    })),
    unified: new Map(),
    rdma: new Map(),
    network: undefined,
  };
  assertNoNul(resources, 'resources');
  return resources;
}
