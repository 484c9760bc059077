import { namespaceTypes } from '../spec.ts';
import type { NamespaceSpec, TimeOffset } from '../spec.ts';
import { int64, uint32 } from './integer-range.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';

const namespaceKeys = knownKeys('type', 'path');
const clockKeys = knownKeys('monotonic', 'boottime');
const offsetKeys = knownKeys('secs', 'nanosecs');

/** `linux.namespaces` (config-linux.md, "Namespaces"). */
export function namespaces(linux: JsonObject): readonly NamespaceSpec[] {
  return linux.objects('namespaces', namespaceKeys, (entry) => {
    const type = entry.oneOf('type', namespaceTypes, 'namespace');
    if (type === undefined) throw entry.error('type', 'missing');
    return { type, path: entry.text('path') };
  });
}

function timeOffset(offset: JsonObject): TimeOffset {
  return { secs: offset.bigint('secs', int64) ?? 0n, nanosecs: offset.integer('nanosecs', uint32) ?? 0 };
}

/** `linux.timeOffsets` (config-linux.md, "Offset for Time Namespace"). A clock nobody knows cannot be set, so it is refused. */
export function timeOffsets(linux: JsonObject): {
  readonly monotonic: TimeOffset | undefined;
  readonly boottime: TimeOffset | undefined;
} {
  const offsets = linux.objectMap('timeOffsets', offsetKeys, timeOffset);
  for (const clock of offsets.keys())
    if (!clockKeys.includes(clock))
      throw linux.error('timeOffsets', `unknown clock ${JSON.stringify(clock.slice(0, 80))}`);
  return { monotonic: offsets.get('monotonic'), boottime: offsets.get('boottime') };
}
