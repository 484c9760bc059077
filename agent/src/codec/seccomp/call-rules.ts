import { invalidArgument } from '../../base/errors.ts';
import type { CallAbi } from './call-abi.ts';
import type { CallNumbers } from './call-numbers.ts';
import type { Condition } from './condition.ts';
import { isPermissive, returnValue } from './filter-action.ts';
import { multiplexers } from './multiplexed-calls.ts';
import type { Multiplexer } from './multiplexed-calls.ts';
import type { FilterArgument, FilterOperator, FilterProfile } from './profile.ts';

/** All conditions must hold for the value to be returned. */
export interface ConditionalRule {
  readonly conditions: readonly Condition[];
  readonly value: number;
}

/** What happens to a call: a value whatever its arguments, or the first rule whose conditions hold, else the default. */
export type Verdict = number | readonly ConditionalRule[];

/** A rule of the profile, ready to be put on calls. */
interface PreparedRule {
  readonly names: readonly string[];
  /** Their positions in the columns of the tables, without those that are in none. */
  readonly positions: readonly number[];
  readonly verdict: Verdict;
}

const operators: Readonly<Record<FilterOperator, Pick<Condition, 'op' | 'isNegated'>>> = {
  SCMP_CMP_EQ: { op: 'equal', isNegated: false },
  SCMP_CMP_NE: { op: 'equal', isNegated: true },
  SCMP_CMP_GT: { op: 'greater', isNegated: false },
  SCMP_CMP_LE: { op: 'greater', isNegated: true },
  SCMP_CMP_GE: { op: 'greater or equal', isNegated: false },
  SCMP_CMP_LT: { op: 'greater or equal', isNegated: true },
  SCMP_CMP_MASKED_EQ: { op: 'equal', isNegated: false },
};

function halves(value: bigint, field: string): readonly [high: number, low: number] {
  if (value < 0n || value >> 64n !== 0n) throw invalidArgument(field, `${value} is not an unsigned 64-bit number`);
  return [Number(value >> 32n), Number(value & 0xffffffffn)];
}

function condition(argument: FilterArgument, field: string): Condition {
  const { index, op } = argument;
  if (!Number.isInteger(index) || index < 0 || index > 5)
    throw invalidArgument(`${field}.index`, `${index}: a system call has the arguments 0 to 5`);
  const isMasked = op === 'SCMP_CMP_MASKED_EQ';
  const first = halves(argument.value, `${field}.value`);
  const second = halves(argument.valueTwo, `${field}.valueTwo`);
  const [high, low] = isMasked ? second : first;
  const [maskHigh, maskLow] = isMasked ? first : [0xffffffff, 0xffffffff];
  // The mask is for both sides (seccomp_rule_add(3)).
  const masked = { high: (high & maskHigh) >>> 0, low: (low & maskLow) >>> 0 };
  return { index, ...operators[op], ...masked, maskHigh, maskLow };
}

/** Several comparisons of one argument make each comparison a rule of its own, as in runc; else all must hold. */
function conditionalRules(args: readonly FilterArgument[], value: number, field: string): readonly ConditionalRule[] {
  const conditions = args.map((argument, number) => condition(argument, `${field}.args[${number}]`));
  const hasRepeated = new Set(args.map(({ index }) => index)).size < args.length;
  return hasRepeated ? conditions.map((one) => ({ conditions: [one], value })) : [{ conditions, value }];
}

/** Positions of the names in the columns; unknown names are left out. */
export function positionsOf(names: readonly string[], numbers: CallNumbers): readonly number[] {
  const { indexOf } = numbers;
  const positions: number[] = [];
  for (const name of names) {
    const position = indexOf.get(name);
    if (position !== undefined) positions.push(position);
  }
  return positions;
}

/** The rules in order, without those that only repeat the default. Checks every one of them. */
export function prepareRules(
  profile: FilterProfile,
  defaultValue: number,
  numbers: CallNumbers,
): readonly PreparedRule[] {
  const prepared: PreparedRule[] = [];
  profile.syscalls.forEach(({ names, action, errnoRet, args }, number) => {
    const field = `linux.seccomp.syscalls[${number}]`;
    const value = returnValue(action, errnoRet, `${field}.errnoRet`);
    if (names.length === 0) throw invalidArgument(`${field}.names`, 'names no system call');
    if (names.includes('')) throw invalidArgument(`${field}.names`, 'holds an empty name');
    const verdict = args.length === 0 ? value : conditionalRules(args, value, field);
    if (value !== defaultValue) prepared.push({ names, positions: positionsOf(names, numbers), verdict });
  });
  return prepared;
}

function isSame(a: ConditionalRule, b: ConditionalRule): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** An unconditional rule decides for good, before or after conditional ones, as in libseccomp. Repeated rules count once. */
function combine(current: Verdict | undefined, added: Verdict): Verdict {
  if (current === undefined) return added;
  if (typeof current === 'number' || current === added) return current;
  if (typeof added === 'number') return added;
  const fresh = added.filter((rule) => !current.some((old) => isSame(old, rule)));
  return fresh.length === 0 ? current : [...current, ...fresh];
}

/** The verdict on one call that comes through a multiplexer: arguments are out of sight, so only what restricts can depend on them. */
function blindVerdict(verdict: Verdict): number | undefined {
  return typeof verdict === 'number' ? verdict : verdict.find(({ value }) => !isPermissive(value))?.value;
}

function multiplexedRules(multiplexer: Multiplexer, rules: readonly PreparedRule[]): readonly ConditionalRule[] {
  const verdicts: (Verdict | undefined)[] = [];
  for (const { names, verdict } of rules) {
    for (const name of names) {
      const call = multiplexer.calls[name];
      if (call !== undefined) verdicts[call] = combine(verdicts[call], verdict);
    }
  }
  return verdicts.flatMap((verdict, low) => {
    const value = verdict === undefined ? undefined : blindVerdict(verdict);
    if (value === undefined) return [];
    const chosen = {
      index: 0,
      op: 'equal',
      isNegated: false,
      high: 0,
      low,
      maskHigh: 0,
      maskLow: multiplexer.mask,
    } as const;
    return [{ conditions: [chosen], value }];
  });
}

/** Verdicts by number, without the base of the ABI; what is missing gets the default. */
export interface CallVerdicts {
  readonly common: readonly (Verdict | undefined)[];
  /** Of the closed range, from its first number on. */
  readonly closed: readonly (Verdict | undefined)[];
}

/** More than any ABI has in its common range. */
const initialCalls = 512;

/** What the rules mean for the calls of one ABI. A name that it does not have is skipped. */
export function verdictsOf(abi: CallAbi, rules: readonly PreparedRule[], numbers: CallNumbers): CallVerdicts {
  const column = numbers.columns[abi.name] ?? [];
  // Without holes, which would make the engine keep the array as a hash table.
  const common: (Verdict | undefined)[] = Array.from({ length: initialCalls }, () => undefined);
  const closed: (Verdict | undefined)[] = [];
  const closedFirst = abi.closed.first;
  for (const { positions, verdict } of rules) {
    for (const position of positions) {
      const number = column[position] ?? -1;
      if (number === -1) continue;
      if (number < closedFirst && common[number] === undefined) {
        common[number] = verdict;
        continue;
      }
      const [list, at] = number < abi.closed.first ? [common, number] : [closed, number - abi.closed.first];
      list[at] = combine(list[at], verdict);
    }
  }
  if (abi.isMultiplexing) {
    for (const multiplexer of multiplexers) {
      const number = column[numbers.indexOf.get(multiplexer.name) ?? -1] ?? -1;
      const added = multiplexedRules(multiplexer, rules);
      if (number !== -1 && added.length > 0) common[number] = combine(common[number], added);
    }
  }
  let end = common.length;
  while (end > 0 && common[end - 1] === undefined) end--;
  common.length = end;
  return { common, closed };
}

/** The largest number among the named calls (by position), rules that repeat the default included; undefined when it names none above 0. */
export function newestNamed(abi: CallAbi, named: readonly number[], numbers: CallNumbers): number | undefined {
  const column = numbers.columns[abi.name] ?? [];
  let newest = 0;
  for (const position of named) {
    const number = column[position] ?? -1;
    if (number > newest && number < abi.closed.first) newest = number;
  }
  return newest === 0 ? undefined : newest;
}
