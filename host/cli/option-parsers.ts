import { InvalidArgumentError } from 'commander';

/** Collects a repeatable option. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

const MEMORY_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  M: 1,
  MI: 1,
  MB: 1,
  MIB: 1,
  G: 1024,
  GI: 1024,
  GB: 1024,
  GIB: 1024,
};

/** `256`, `256M`, `1G` in MiB. */
export function parseMemory(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,7})([A-Za-z]*)$/.exec(text) ?? [];
  const factor = MEMORY_UNITS[unit.toUpperCase()];
  if (digits === '' || factor === undefined) throw new InvalidArgumentError('give MiB, such as 256, 256M or 1G.');
  return Number(digits) * factor;
}

/** A whole number of at least 1. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,6}$/.test(text) || count < 1) throw new InvalidArgumentError('give a whole number of at least 1.');
  return count;
}

/** Seconds, fractions allowed, in ms. */
export function parseSeconds(text: string): number {
  if (!/^\d{1,8}(?:\.\d+)?$/.test(text) || Number(text) === 0)
    throw new InvalidArgumentError('give seconds, such as 30 or 0.5.');
  return Math.ceil(Number(text) * 1000);
}
