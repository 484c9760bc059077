import fc from 'fast-check';
import type { FilterAction, FilterArgument, FilterProfile } from '../../../agent/src/codec/seccomp/profile.ts';

const edges = [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n].flatMap((edge) => [edge - 1n, edge, edge + 1n]);

/** 64-bit numbers around the places where comparisons go wrong. */
const word64 = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...edges.filter((edge) => edge >= 0n && edge < 2n ** 64n)) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
);

const operators = [
  ...['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ'],
] as FilterArgument['op'][];

function argumentOf(index: fc.Arbitrary<number>): fc.Arbitrary<FilterArgument> {
  return fc.record({ index, op: fc.constantFrom(...operators), value: word64, valueTwo: word64 });
}

const action: fc.Arbitrary<{ action: FilterAction; errnoRet: number | undefined }> = fc.oneof(
  fc
    .constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRAP', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS')
    .map((name) => ({ action: name, errnoRet: undefined })),
  fc
    .option(fc.integer({ min: 0, max: 4095 }), { nil: undefined })
    .map((errnoRet) => ({ action: 'SCMP_ACT_ERRNO' as const, errnoRet })),
  fc.integer({ min: 0, max: 65535 }).map((errnoRet) => ({ action: 'SCMP_ACT_TRACE' as const, errnoRet })),
);

/** Profiles over the given calls and architectures; arguments of a rule differ in index unless `repeats`. */
export function arbitraryProfile(
  names: readonly string[],
  architectures: readonly string[],
  repeats: boolean,
): fc.Arbitrary<FilterProfile> {
  const index = fc.integer({ min: 0, max: 5 });
  const args = repeats
    ? fc.array(argumentOf(index), { maxLength: 3 })
    : fc.uniqueArray(argumentOf(index), { maxLength: 6, selector: (entry) => entry.index });
  const rule = fc
    .tuple(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 6 }), action, args)
    .map(([chosen, what, list]) => ({ names: chosen, ...what, args: list }));
  return fc
    .tuple(action, fc.subarray([...architectures]), fc.array(rule, { maxLength: 25 }))
    .map(([fallback, chosen, syscalls]) => ({
      defaultAction: fallback.action,
      defaultErrnoRet: fallback.errnoRet,
      architectures: chosen,
      flags: [],
      syscalls,
    }));
}

/** Arguments of a call that are likely to meet a rule of the profile. */
export function argumentsFor(profile: FilterProfile): fc.Arbitrary<readonly bigint[]> {
  const values = profile.syscalls.flatMap(({ args }) => args.flatMap(({ value, valueTwo }) => [value, valueTwo]));
  const likely = values.length === 0 ? word64 : fc.oneof(word64, fc.constantFrom(...values));
  return fc.array(likely, { minLength: 6, maxLength: 6 });
}
