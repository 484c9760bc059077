import type { Value } from '../value/value.ts';

/** A function of the language. `run` gives undefined for arguments it is not made for: the expression then simply does not hold. */
export interface Builtin {
  readonly arity: number;
  readonly run: (...args: Value[]) => Value | undefined;
}

export type BuiltinTable = Readonly<Record<string, Builtin>>;

export function builtin(arity: number, run: Builtin['run']): Builtin {
  return { arity, run };
}
