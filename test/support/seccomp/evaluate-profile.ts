/** What a profile says about a call, read straight from its text: the other side of the property tests. */
import type { FilterArgument, FilterProfile, FilterRule } from '../../../agent/src/codec/seccomp/profile.ts';

export interface NamedCall {
  readonly name: string;
  readonly args: readonly bigint[];
  readonly isNarrow: boolean;
}

const kinds: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

export function actionValue(action: string, code: number | undefined): number {
  const hasCode = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE';
  return kinds[action]! + (hasCode ? (code ?? 1) : 0);
}

/** A 32-bit ABI has no high half; a negative number may have been written with 64 bits. */
function narrow(value: bigint): bigint {
  return value >> 32n === 0xffffffffn ? value & 0xffffffffn : value;
}

function maskedDatum({ value, valueTwo }: FilterArgument, isNarrow: boolean): bigint {
  return isNarrow ? narrow(value & valueTwo) : value & valueTwo;
}

function holds(argument: FilterArgument, call: NamedCall): boolean {
  const actual = call.isNarrow ? call.args[argument.index]! & 0xffffffffn : call.args[argument.index]!;
  const value = call.isNarrow ? narrow(argument.value) : argument.value;
  switch (argument.op) {
    case 'SCMP_CMP_NE':
      return actual !== value;
    case 'SCMP_CMP_LT':
      return actual < value;
    case 'SCMP_CMP_LE':
      return actual <= value;
    case 'SCMP_CMP_EQ':
      return actual === value;
    case 'SCMP_CMP_GE':
      return actual >= value;
    case 'SCMP_CMP_GT':
      return actual > value;
    case 'SCMP_CMP_MASKED_EQ':
      return (actual & argument.value) === maskedDatum(argument, call.isNarrow);
  }
}

function matches(rule: FilterRule, call: NamedCall): boolean {
  const hasRepeated = new Set(rule.args.map(({ index }) => index)).size < rule.args.length;
  return hasRepeated ? rule.args.some((arg) => holds(arg, call)) : rule.args.every((arg) => holds(arg, call));
}

/** The action for a call that the profile's author knew. */
export function evaluateProfile(profile: FilterProfile, call: NamedCall): number {
  const fallback = actionValue(profile.defaultAction, profile.defaultErrnoRet);
  const rules = profile.syscalls
    .filter(({ action, errnoRet }) => actionValue(action, errnoRet) !== fallback)
    .filter(({ names }) => names.includes(call.name));
  const decided = rules.find(({ args }) => args.length === 0) ?? rules.find((rule) => matches(rule, call));
  return decided === undefined ? fallback : actionValue(decided.action, decided.errnoRet);
}
