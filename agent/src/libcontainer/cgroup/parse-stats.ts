/** Readers of the text files of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst). All are total: odd text gives nothing. */

function toCount(text: string | undefined): bigint | undefined {
  if (text === undefined || text === '' || text.length > 20) return undefined;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x30 || unit > 0x39) return undefined;
  }
  return BigInt(text);
}

/** One number; `max` gives `whenMax`, anything odd 0. */
export function parseCount(text: string, whenMax: bigint): bigint {
  const trimmed = text.trim();
  return trimmed === 'max' ? whenMax : (toCount(trimmed) ?? 0n);
}

/** Lines `key value`. */
export function parseFlatKeyed(text: string): readonly (readonly [string, bigint])[] {
  return text.split('\n').flatMap((line) => {
    const space = line.indexOf(' ');
    const value = toCount(line.slice(space + 1).trim());
    return space <= 0 || value === undefined ? [] : [[line.slice(0, space), value] as const];
  });
}

/** The value of one key of a flat-keyed file, 0 when it is missing. */
export function keyedValue(entries: readonly (readonly [string, bigint])[], key: string): bigint {
  return entries.find(([name]) => name === key)?.[1] ?? 0n;
}

export interface IoEntry {
  readonly major: bigint;
  readonly minor: bigint;
  /** `read`, `write`, `rios`, `wios`, `dbytes`, `dios`. */
  readonly op: string;
  readonly value: bigint;
}

/** Names that hosts know instead of the kernel's. */
const ioNames: ReadonlyMap<string, string> = new Map([
  ['rbytes', 'read'],
  ['wbytes', 'write'],
  ['rios', 'rios'],
  ['wios', 'wios'],
  ['dbytes', 'dbytes'],
  ['dios', 'dios'],
]);

/** `io.stat`: lines `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`; others are left out, as upstream does. */
export function parseIoStat(text: string): readonly IoEntry[] {
  return text.split('\n').flatMap((line) => {
    const [device = '', ...counters] = line.split(' ').filter((part) => part !== '');
    const [major, minor] = device.split(':').map(toCount);
    if (major === undefined || minor === undefined || counters.length !== ioNames.size) return [];
    const entries = counters.map((counter): IoEntry | undefined => {
      const [key = '', value] = counter.split('=');
      const op = ioNames.get(key);
      const count = toCount(value);
      return op === undefined || count === undefined ? undefined : { major, minor, op, value: count };
    });
    return entries.some((entry) => entry === undefined) ? [] : (entries as IoEntry[]);
  });
}
