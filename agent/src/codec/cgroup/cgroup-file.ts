/**
 * Files of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst, "Interface Files"). Numbers are bigint: counters and limits use all 64 bits.
 */

/** A limit: a number, or `max` for none. */
export type CgroupLimit = bigint | 'max';

const NUMBER = /^-?\d{1,20}$/;

/** One number, with or without a newline; undefined for any other text. */
export function parseCgroupNumber(text: string): bigint | undefined {
  const word = text.trim();
  return NUMBER.test(word) ? BigInt(word) : undefined;
}

/** One number or `max`; undefined for any other text. */
export function parseCgroupLimit(text: string): CgroupLimit | undefined {
  return text.trim() === 'max' ? 'max' : parseCgroupNumber(text);
}

/** `KEY VALUE` lines, as in `memory.stat`, `memory.events`, `cpu.stat`. Lines without a number are left out. */
export function parseFlatKeyed(text: string): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    const value = space <= 0 ? undefined : parseCgroupNumber(line.slice(space + 1));
    if (value !== undefined) values.set(line.slice(0, space), value);
  }
  return values;
}

/** `KEY SUB=VALUE SUB=VALUE ...` lines, as in `io.stat` and `io.max`. A value that is no number or `max` is left out. */
export function parseNestedKeyed(text: string): Map<string, Map<string, CgroupLimit>> {
  const lines = new Map<string, Map<string, CgroupLimit>>();
  for (const line of text.split('\n')) {
    const [key = '', ...pairs] = line.split(' ');
    if (key === '') continue;
    const values = new Map<string, CgroupLimit>();
    for (const pair of pairs) {
      const equals = pair.indexOf('=');
      const value = equals <= 0 ? undefined : parseCgroupLimit(pair.slice(equals + 1));
      if (value !== undefined) values.set(pair.slice(0, equals), value);
    }
    lines.set(key, values);
  }
  return lines;
}

/** `cpu.max`: quota and period in microseconds. */
export interface CpuMax {
  readonly quota: CgroupLimit;
  readonly period: bigint;
}

/** The kernel's period when only a quota is written, in microseconds. */
const DEFAULT_PERIOD = 100_000n;

/** Parses `QUOTA [PERIOD]`; undefined for any other text. */
export function parseCpuMax(text: string): CpuMax | undefined {
  const [quotaText = '', periodText] = text.trim().split(' ');
  const quota = parseCgroupLimit(quotaText);
  const period = periodText === undefined ? DEFAULT_PERIOD : parseCgroupNumber(periodText);
  return quota === undefined || period === undefined ? undefined : { quota, period };
}

/** What to write into `cpu.max`. */
export function formatCpuMax(value: CpuMax): string {
  return `${value.quota} ${value.period}`;
}

/** Device of an `io.stat` line, `MAJOR:MINOR`; undefined for another text (some lines carry a name). */
export function parseDeviceNumber(text: string): { major: number; minor: number } | undefined {
  const match = /^(\d{1,10}):(\d{1,10})$/.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}
