/** Values at the edges of their types, put anywhere into a request. */
const TEXTS = [
  ...[
    '',
    '/',
    '.',
    '..',
    '../..',
    'a/../../b',
    '//',
    '-x',
    '--',
    ' ',
    '\n',
    '%s%n',
    '$(id)',
    '__proto__',
    'constructor',
  ],
  ...[
    '/proc/1/root',
    '/dev/null',
    'e\u0301',
    '\u{1f98a}',
    '\u202e',
    'x'.repeat(256),
    `/${'y/'.repeat(2500)}`,
    '0',
    '-1',
  ],
  ...['18446744073709551616', '0x10', 'true', 'null', '{}', ',', '=', 'a=b,c=d', ':', '1:1', '::/0', '999.1.1.1/99'],
];
const NUMBERS = [0, 1, 2, 63, 255, 256, 4095, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, -1, -0x8000_0000];
const BIGINTS = [
  0n,
  1n,
  2n,
  4096n,
  1n << 31n,
  1n << 32n,
  (1n << 53n) + 1n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
  -1n,
  -(1n << 63n),
];
const BYTES = [0, 1, 4, 4096, 70_000];
/** Entries of a list that was made long. */
const MANY = 300;

type Next = (limit: number) => number;

function pick<T>(values: readonly T[], next: Next): T {
  return values[next(values.length)] as T;
}

/** Another value of the same type; undefined leaves the field out. */
function odd(value: unknown, next: Next): unknown {
  if (next(8) === 0) return undefined;
  switch (typeof value) {
    case 'string':
      return pick(TEXTS, next);
    case 'number':
      return pick(NUMBERS, next);
    case 'bigint':
      return pick(BIGINTS, next);
    case 'boolean':
      return !value;
    default:
  }
  if (value instanceof Uint8Array) return Buffer.alloc(pick(BYTES, next), next(256));
  if (value instanceof Map) return new Map([...value, [pick(TEXTS, next), pick(TEXTS, next)]]);
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    if (next(3) === 0) return [];
    return next(4) === 0
      ? Array.from({ length: MANY }, () => list[0] ?? '')
      : [...list, list.length === 0 ? pick(TEXTS, next) : odd(list[0], next)].filter((entry) => entry !== undefined);
  }
  return {};
}

/** A copy in which one value, at any depth, is an odd one. */
export function withOddValue(value: unknown, next: Next): unknown {
  const isTree =
    typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && !(value instanceof Map);
  if (!isTree || next(10) === 0) return odd(value, next);
  const entries = Object.entries(value as Record<string, unknown>).filter(([, entry]) => entry !== undefined);
  const chosen = entries[next(entries.length)];
  if (chosen === undefined) return value;
  const [key, inner] = chosen;
  const changed = withOddValue(inner, next);
  if (!Array.isArray(value)) return { ...value, [key]: changed };
  const list: unknown[] = [...(value as readonly unknown[])];
  if (changed === undefined) list.splice(Number(key), 1);
  else list[Number(key)] = changed;
  return list;
}
