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

/** One line of a pressure file (Documentation/accounting/psi.rst): shares of time in hundredths of a percent, total in us. */
export interface PressureLine {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: bigint;
}

/** How long tasks waited for a resource: at least one of them, and all of them at once. */
export interface Pressure {
  readonly some: PressureLine | undefined;
  readonly full: PressureLine | undefined;
}

function toPercent(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,3}\.\d{1,2}$/.test(text) ? Number(text) : undefined;
}

/** The value of `key=value` among words, undefined without one. */
function valueOf(words: readonly string[], key: string): string | undefined {
  const word = words.find((each) => each.startsWith(`${key}=`));
  return word === undefined ? undefined : word.slice(key.length + 1);
}

function parsePressureLine(line: string): PressureLine | undefined {
  const words = line.split(' ');
  const [avg10, avg60, avg300, total] = ['avg10', 'avg60', 'avg300', 'total'].map((key) => valueOf(words, key));
  const averages = [avg10, avg60, avg300].map(toPercent);
  const [first, second, third] = averages;
  const time = toCount(total);
  if (first === undefined || second === undefined || third === undefined || time === undefined) return undefined;
  return { avg10: first, avg60: second, avg300: third, total: time };
}

/** `cpu.pressure`, `memory.pressure`, `io.pressure`; undefined when there is nothing in it. */
export function parsePressure(text: string): Pressure | undefined {
  const line = (kind: string): PressureLine | undefined => {
    const found = text.split('\n').find((each) => each.startsWith(`${kind} `));
    return found === undefined ? undefined : parsePressureLine(found);
  };
  const pressure = { some: line('some'), full: line('full') };
  return pressure.some === undefined && pressure.full === undefined ? undefined : pressure;
}

/** Counts of one device of `rdma.current` or `rdma.max`; undefined is `max`. */
export interface RdmaEntry {
  readonly device: string;
  readonly hcaHandles: bigint | undefined;
  readonly hcaObjects: bigint | undefined;
}

/** Lines `mlx5_0 hca_handle=2 hca_object=max`. */
export function parseRdma(text: string): readonly RdmaEntry[] {
  return text.split('\n').flatMap((line) => {
    const [device = '', ...words] = line.split(' ').filter((word) => word !== '');
    if (device === '') return [];
    const value = (key: string): bigint | undefined => toCount(valueOf(words, key));
    return [{ device, hcaHandles: value('hca_handle'), hcaObjects: value('hca_object') }];
  });
}
