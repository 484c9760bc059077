import { createHash } from 'node:crypto';

/** Version of what is stored; another one makes older entries unknown. */
const FORM = 1;

/** A key for what depends on `parts` alone; equal values give equal keys whatever the order of their members. */
export function cacheKey(parts: unknown): string {
  return createHash('sha256')
    .update(canonical({ form: FORM, parts }))
    .digest('hex')
    .slice(0, 40);
}

/** JSON with sorted members; members that are undefined do not count. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}
