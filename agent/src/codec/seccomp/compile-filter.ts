import { SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS } from '../../abi/constants.ts';
import { ENOSYS } from '../../abi/errno.ts';
import { selectAbis, x32Bit } from './call-abi.ts';
import type { CallAbi, Family } from './call-abi.ts';
import type { CallNumbers } from './call-numbers.ts';
import { newestNamed, positionsOf, prepareRules, verdictsOf } from './call-rules.ts';
import type { Verdict } from './call-rules.ts';
import { CallRanges, Dispatch } from './dispatch.ts';
import { returnValue } from './filter-action.ts';
import { JUMP_EQUAL, offsetOfArch, offsetOfNumber } from './instruction.ts';
import type { FilterAction, FilterProfile } from './profile.ts';
import { ProgramBuilder } from './program-builder.ts';
import type { Target } from './program-builder.ts';

/** Calls of an architecture that the profile does not name. libseccomp kills the thread, which leaves half a process. */
const badArch = SECCOMP_RET_KILL_PROCESS;
const noSuchCall = SECCOMP_RET_ERRNO + ENOSYS;
/** `-1`: a tracer made the kernel skip the call. */
const skippedCall = 0xffffffff;

/** With these defaults a new call is let through or shown to a tracer, who knows better than we do. */
const openDefaults: ReadonlySet<FilterAction> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE']);

interface Source {
  readonly profile: FilterProfile;
  readonly rules: ReturnType<typeof prepareRules>;
  readonly numbers: CallNumbers;
  /** Positions of all calls that the profile names. */
  readonly named: readonly number[];
  readonly defaultValue: number;
}

/**
 * Continues the ranges with the calls of an ABI. Calls newer than the newest that the profile names did not exist for its author:
 * they get ENOSYS, as programs expect from an older kernel, and not the default (runc, libcontainer/seccomp/patchbpf).
 */
function addCalls(ranges: CallRanges, abi: CallAbi, source: Source): void {
  const { profile, rules, numbers, named, defaultValue } = source;
  const { common, closed } = verdictsOf(abi, rules, numbers);
  const newest = openDefaults.has(profile.defaultAction) ? undefined : newestNamed(abi, named, numbers);
  const unnamed = newest === undefined ? defaultValue : noSuchCall;
  const add = (first: number, verdicts: readonly (Verdict | undefined)[], count: number): void => {
    let last: Verdict | undefined;
    for (let number = 0; number < count; number++) {
      const verdict = verdicts[number] ?? defaultValue;
      if (verdict !== last) ranges.add(first + number, verdict, abi.isNarrow);
      last = verdict;
    }
    ranges.add(first + count, unnamed, abi.isNarrow);
  };
  add(abi.base, common, Math.max(common.length, (newest ?? -1) + 1));
  if (abi.closed.count > 0) add(abi.base + abi.closed.first, closed, abi.closed.count);
}

function emitArch(builder: ProgramBuilder, abis: readonly CallAbi[], source: Source): Target {
  const ranges = new CallRanges();
  for (const abi of abis) addCalls(ranges, abi, source);
  // x86_64 and x32 share their audit number.
  if (abis[0]?.name === 'SCMP_ARCH_X86_64' && abis.length === 1) ranges.add(x32Bit, badArch, false);
  ranges.add(skippedCall, source.defaultValue, false);
  return builder.load(offsetOfNumber, new Dispatch(builder, ranges.list, source.defaultValue).emit());
}

/**
 * Compiles a profile for the kernel of `family` into a seccomp program: two 32-bit words for each `struct sock_filter`. Throws
 * `invalid_argument` naming the field. Unknown system calls are skipped, as runc does.
 */
export function compileFilter(profile: FilterProfile, family: Family, numbers: CallNumbers): readonly number[] {
  const defaultValue = returnValue(profile.defaultAction, profile.defaultErrnoRet, 'linux.seccomp.defaultErrnoRet');
  const abis = selectAbis(family, profile.architectures);
  const rules = prepareRules(profile, defaultValue, numbers);
  const named = profile.syscalls.flatMap(({ names }) => positionsOf(names, numbers));
  const source = { profile, rules, numbers, named, defaultValue };
  const audits = [...new Set(abis.map(({ audit }) => audit))];
  const builder = new ProgramBuilder();
  let start: Target = { returns: badArch };
  // The machine's own architecture is looked at first, so it is emitted last.
  for (const audit of audits.toReversed()) {
    const other = start;
    const calls = emitArch(
      builder,
      abis.filter((abi) => abi.audit === audit),
      source,
    );
    start = builder.branch(JUMP_EQUAL, audit, calls, other);
  }
  builder.load(offsetOfArch, start);
  return builder.finish();
}
