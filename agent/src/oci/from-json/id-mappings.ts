import type { IdMapping } from '../spec.ts';
import { uint32 } from './integer-range.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';

const keys = knownKeys('containerID', 'hostID', 'size');

/** A list of id ranges, such as `linux.uidMappings` (config-linux.md, "User namespace mappings"). */
export function idMappings(parent: JsonObject, key: string): readonly IdMapping[] {
  return parent.objects(key, keys, (range) => ({
    containerId: range.integer('containerID', uint32) ?? 0,
    hostId: range.integer('hostID', uint32) ?? 0,
    size: range.integer('size', uint32) ?? 0,
  }));
}
