import { EvaluationError } from '../policy-error.ts';
import { MAX_INTEGER_BITS } from '../limits.ts';
import type { Value } from './value.ts';

export type RegoNumber = number | bigint;

const LARGEST = 1n << BigInt(MAX_INTEGER_BITS);

export function isNumber(value: Value): value is RegoNumber {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** The one form of a whole number. Throws EvaluationError beyond 1024 binary digits. */
export function fromBigint(value: bigint): RegoNumber {
  const small = Number(value);
  if (Number.isSafeInteger(small)) return small;
  if (value >= LARGEST || value <= -LARGEST) throw new EvaluationError('a number is too large');
  return value;
}

/** The one form of a number; undefined for what is none (division by zero, overflow). */
export function fromFloat(value: number): RegoNumber | undefined {
  if (!Number.isFinite(value)) return undefined;
  if (!Number.isInteger(value)) return value;
  return Number.isSafeInteger(value) ? value + 0 : fromBigint(BigInt(value));
}

export function isInteger(value: Value): value is RegoNumber {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
}

/** A number literal of the language or of JSON; undefined when it is too large. */
export function parseNumber(text: string): RegoNumber | undefined {
  if (/^-?\d{1,15}$/.test(text)) return Number(text) + 0;
  if (/^-?\d{1,300}$/.test(text)) return fromBigint(BigInt(text));
  return fromFloat(Number(text));
}
