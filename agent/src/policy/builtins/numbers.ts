import { spendCreated } from '../fuel.ts';
import { fromBigint, fromFloat, isInteger, isNumber } from '../value/number.ts';
import type { RegoNumber } from '../value/number.ts';
import { setOf } from '../value/rego-set.ts';
import { isSet } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { builtin } from './builtin.ts';
import type { Builtin, BuiltinTable } from './builtin.ts';

type Big = (a: bigint, b: bigint) => bigint | undefined;
type Float = (a: number, b: number) => number;

/** Exact for whole numbers, as floating point otherwise. */
export function arithmetic(a: RegoNumber, b: RegoNumber, float: Float, big: Big): RegoNumber | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const result = float(a, b);
    if (!Number.isInteger(a) || !Number.isInteger(b) || Number.isSafeInteger(result)) return fromFloat(result);
  }
  if (!isInteger(a) || !isInteger(b)) return fromFloat(float(Number(a), Number(b)));
  const result = big(BigInt(a), BigInt(b));
  return result === undefined ? fromFloat(float(Number(a), Number(b))) : fromBigint(result);
}

function binary(float: Float, big: Big): Builtin {
  return builtin(2, (a, b) => (isNumber(a) && isNumber(b) ? arithmetic(a, b, float, big) : undefined));
}

const plus: Float = (a, b) => a + b;
const times: Float = (a, b) => a * b;

/** Of numbers, and the difference of sets. */
const minus = builtin(2, (a, b) => {
  if (isSet(a) && isSet(b)) {
    const [left, right] = [a, b] as Extract<Value, { kind: 'set' }>[];
    return setOf((left?.members() ?? []).filter((member) => right?.has(member) !== true));
  }
  if (!isNumber(a) || !isNumber(b)) return undefined;
  return arithmetic(
    a,
    b,
    (x, y) => x - y,
    (x, y) => x - y,
  );
});

function rounded(round: (value: number) => number): Builtin {
  return builtin(1, (a) => (typeof a === 'bigint' ? a : typeof a === 'number' ? fromFloat(round(a)) : undefined));
}

/** Halves go away from zero. */
function roundHalfAway(value: number): number {
  return value < 0 ? -Math.round(-value) : Math.round(value);
}

/** Of whole numbers; the second of a shift is a count. */
function bits(run: (a: bigint, b: bigint) => bigint): Builtin {
  return builtin(2, (a, b) => (isInteger(a) && isInteger(b) ? fromBigint(run(BigInt(a), BigInt(b))) : undefined));
}

function shift(run: (a: bigint, count: bigint) => bigint): Builtin {
  return builtin(2, (a, b) =>
    isInteger(a) && typeof b === 'number' && b >= 0 && b <= 4096 && Number.isInteger(b)
      ? fromBigint(run(BigInt(a), BigInt(b)))
      : undefined,
  );
}

function range(from: Value | undefined, to: Value | undefined, step: Value | undefined): Value | undefined {
  if (typeof from !== 'number' || typeof to !== 'number' || typeof step !== 'number') return undefined;
  if (!Number.isInteger(from) || !Number.isInteger(to) || !Number.isInteger(step) || step <= 0) return undefined;
  const count = Math.floor(Math.abs(to - from) / step) + 1;
  spendCreated(count);
  const signed = to < from ? -step : step;
  return Array.from({ length: count }, (_, index) => from + index * signed);
}

export const numberBuiltins: BuiltinTable = {
  plus: binary(plus, (a, b) => a + b),
  minus,
  mul: binary(times, (a, b) => a * b),
  // A division without rest stays exact.
  div: binary(
    (a, b) => a / b,
    (a, b) => (b !== 0n && a % b === 0n ? a / b : undefined),
  ),
  rem: builtin(2, (a, b) =>
    isInteger(a) && isInteger(b) && BigInt(b) !== 0n ? fromBigint(BigInt(a) % BigInt(b)) : undefined,
  ),
  abs: builtin(1, (a) => (typeof a === 'bigint' ? (a < 0n ? -a : a) : typeof a === 'number' ? Math.abs(a) : undefined)),
  ceil: rounded(Math.ceil),
  floor: rounded(Math.floor),
  round: rounded(roundHalfAway),
  'numbers.range': builtin(2, (from, to) => range(from, to, 1)),
  'numbers.range_step': builtin(3, range),
  'bits.and': bits((a, b) => a & b),
  'bits.or': bits((a, b) => a | b),
  'bits.xor': bits((a, b) => a ^ b),
  'bits.negate': builtin(1, (a) => (isInteger(a) ? fromBigint(~BigInt(a)) : undefined)),
  'bits.lsh': shift((a, count) => a << count),
  'bits.rsh': shift((a, count) => a >> count),
};
