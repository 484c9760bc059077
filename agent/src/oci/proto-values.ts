import { invalidArgument } from '../base/errors.ts';
import type { ProtoInt64, ProtoMap } from './proto-spec.ts';

/** Most entries of one string-keyed map, and of lists whose strings are hashed; more would let chosen keys make insertion quadratic (the engine's hash has no secret). */
export const maxMapEntries = 2000;

/** A signed 64-bit field; absent is 0. */
export function toInt64(value: ProtoInt64 | null | undefined): bigint {
  if (value === null || value === undefined) return 0n;
  if (typeof value === 'bigint') return BigInt.asIntN(64, value);
  if (typeof value === 'number') return BigInt.asIntN(64, BigInt(Math.trunc(value)));
  return BigInt.asIntN(64, (BigInt(value.high | 0) << 32n) | BigInt(value.low >>> 0));
}

/** An unsigned 64-bit field; absent is 0. RLIM_INFINITY (2^64-1) survives. */
export function toUint64(value: ProtoInt64 | null | undefined): bigint {
  return BigInt.asUintN(64, toInt64(value));
}

/** Values of this API that are not above zero mean "not set" (contract, lifecycle section 7). */
export function positive(value: bigint): bigint | undefined {
  return value > 0n ? value : undefined;
}

/** The empty string means "not set". */
export function nonEmpty(value: string | null | undefined): string | undefined {
  return value === null || value === undefined || value === '' ? undefined : value;
}

/** A list that may be absent. */
export function listOf<T>(value: readonly T[] | null | undefined): readonly T[] {
  return value ?? [];
}

/** A map field as a Map, refused by count before anything is inserted. */
export function toMap(value: ProtoMap, field: string): ReadonlyMap<string, string> {
  if (value === null || value === undefined) return new Map();
  const entries = value instanceof Map ? [...(value as ReadonlyMap<string, string>)] : Object.entries(value);
  if (entries.length > maxMapEntries) {
    throw invalidArgument(field, `${entries.length} entries, at most ${maxMapEntries} are accepted`);
  }
  return new Map(entries);
}
