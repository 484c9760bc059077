import { invalidArgument } from '../base/errors.ts';
import type { IdMapping, Spec } from './spec.ts';
import { hasNamespace } from './validate-linux.ts';

/** UID_GID_MAP_MAX_EXTENTS (linux/user_namespace.h), since kernel 4.15. */
const maxMappings = 340;
/** `(uid_t)-1` is no id, so a range ends before it. */
const endOfIds = 0xffffffff;

type Side = 'containerId' | 'hostId';

/** Ranges of one side in ascending order; the first overlap is reported by its place in the list. */
function checkOverlap(mappings: readonly IdMapping[], field: string, side: Side, name: string): void {
  if (mappings.length < 2) return;
  const order = mappings.map((_, index) => index);
  const start = (index: number): number => mappings[index]?.[side] ?? 0;
  order.sort((a, b) => start(a) - start(b));
  for (let place = 1; place < order.length; place++) {
    const before = order[place - 1] ?? 0;
    const index = order[place] ?? 0;
    if (start(before) + (mappings[before]?.size ?? 0) > start(index))
      throw invalidArgument(
        `${field}[${Math.max(before, index)}].${name}`,
        `overlaps ${field}[${Math.min(before, index)}]`,
      );
  }
}

/**
 * One id map as the kernel would judge it (user_namespaces(7), kernel/user_namespace.c): 1 to 340 ranges, none empty, none
 * beyond the last id, none overlapping on either side (PRV-10).
 */
export function checkIdMap(mappings: readonly IdMapping[], field: string): void {
  if (mappings.length > maxMappings)
    throw invalidArgument(field, `${mappings.length} ranges, at most ${maxMappings} are possible`);
  mappings.forEach(({ containerId, hostId, size }, index) => {
    if (size === 0) throw invalidArgument(`${field}[${index}].size`, 'is 0');
    if (containerId + size > endOfIds)
      throw invalidArgument(
        `${field}[${index}]`,
        `container ids ${containerId} to ${containerId + size - 1} do not exist`,
      );
    if (hostId + size > endOfIds)
      throw invalidArgument(`${field}[${index}]`, `host ids ${hostId} to ${hostId + size - 1} do not exist`);
  });
  checkOverlap(mappings, field, 'containerId', 'containerID');
  checkOverlap(mappings, field, 'hostId', 'hostID');
}

/** A new user namespace needs both maps; without one, or with one that is joined, there is nothing to map (PRV-10). */
export function checkIdMappings(spec: Spec): void {
  const namespace = spec.linux.namespaces.find(({ type }) => type === 'user');
  for (const list of ['uidMappings', 'gidMappings'] as const) {
    const mappings = spec.linux[list];
    const field = `linux.${list}`;
    checkIdMap(mappings, field);
    if (mappings.length > 0) {
      if (namespace === undefined) throw invalidArgument(field, 'needs a user namespace');
      if (namespace.path !== undefined) throw invalidArgument(field, 'a user namespace that is joined has its own');
    } else if (namespace !== undefined && namespace.path === undefined) {
      throw invalidArgument(field, 'a new user namespace needs at least one range');
    }
  }
}

/** Offsets belong to a new time namespace (time_namespaces(7), CGN-09). */
export function checkTimeOffsets(spec: Spec): void {
  for (const clock of ['monotonic', 'boottime'] as const) {
    const offset = spec.linux.timeOffsets[clock];
    if (offset === undefined) continue;
    const field = `linux.timeOffsets.${clock}`;
    if (!hasNamespace(spec, 'time')) throw invalidArgument(field, 'needs a time namespace');
    if (spec.linux.namespaces.some(({ type, path }) => type === 'time' && path !== undefined))
      throw invalidArgument(field, 'a time namespace that is joined has its own');
    if (offset.nanosecs < 0 || offset.nanosecs > 999_999_999)
      throw invalidArgument(`${field}.nanosecs`, `${offset.nanosecs} is not within 0..999999999`);
  }
}
