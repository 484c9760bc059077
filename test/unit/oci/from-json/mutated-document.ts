import fc from 'fast-check';

/** Every place of a document, as the keys that lead to it. */
export function places(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const members = Array.isArray(value)
    ? value.map((item: unknown, index) => [index, item] as const)
    : Object.entries(value);
  return [path, ...members.flatMap(([key, item]) => places(item, [...path, key]))];
}

/** A copy of a document with the value at `path` replaced. */
export function replaced(value: unknown, path: readonly (string | number)[], by: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return by;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

/** Values that rarely belong where they are put. */
export const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    '',
    '\0',
    '\ud800',
    -1,
    1.5,
    1e300,
    2 ** 53,
    2n ** 64n - 1n,
    -(2n ** 63n),
    10n ** 40n,
    {},
    [],
    [null],
    null,
  ),
);
