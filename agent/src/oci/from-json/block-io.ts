import type { BlockIoResources, ThrottleDevice } from '../spec.ts';
import { int64, uint16, uint64 } from './integer-range.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';

const blockIoKeys = knownKeys(
  'weight',
  'leafWeight',
  'weightDevice',
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
);
const weightKeys = knownKeys('major', 'minor', 'weight', 'leafWeight');
const throttleKeys = knownKeys('major', 'minor', 'rate');

/** Of blkio's weights; the whole range of `io.weight` is reached from it. */
const minWeight = 10;
const maxWeight = 1000;

/** 0 is no weight, and means that none is set. */
function weight(object: JsonObject, key: string): number | undefined {
  const value = object.integer(key, uint16);
  if (value === undefined || value === 0) return undefined;
  if (value < minWeight || value > maxWeight)
    throw object.error(key, `${value} is not within ${minWeight}..${maxWeight}`);
  return value;
}

function throttles(section: JsonObject, key: string): readonly ThrottleDevice[] {
  return section.objects(key, throttleKeys, (entry) => ({
    major: entry.bigint('major', int64) ?? 0n,
    minor: entry.bigint('minor', int64) ?? 0n,
    rate: entry.bigint('rate', uint64) ?? 0n,
  }));
}

/** `linux.resources.blockIO` (config-linux.md, "Block IO"). */
export function blockIo(resources: JsonObject): BlockIoResources | undefined {
  const section = resources.object('blockIO', blockIoKeys);
  if (section === undefined) return undefined;
  return {
    weight: weight(section, 'weight'),
    leafWeight: weight(section, 'leafWeight'),
    weightDevices: section.objects('weightDevice', weightKeys, (entry) => {
      if (weight(entry, 'leafWeight') !== undefined) throw entry.error('leafWeight', 'cgroup v2 has no leaf weights');
      return {
        major: entry.bigint('major', int64) ?? 0n,
        minor: entry.bigint('minor', int64) ?? 0n,
        weight: weight(entry, 'weight') ?? 0,
      };
    }),
    readBps: throttles(section, 'throttleReadBpsDevice'),
    writeBps: throttles(section, 'throttleWriteBpsDevice'),
    readIops: throttles(section, 'throttleReadIOPSDevice'),
    writeIops: throttles(section, 'throttleWriteIOPSDevice'),
  };
}
