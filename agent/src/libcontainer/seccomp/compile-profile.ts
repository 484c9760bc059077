import { archName } from '../../abi/arch.ts';
import { SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_TSYNC } from '../../abi/constants.ts';
import { callNames, callNumbers } from '../../abi/seccomp-tables.ts';
import { parseCallNumbers } from '../../codec/seccomp/call-numbers.ts';
import type { CallNumbers } from '../../codec/seccomp/call-numbers.ts';
import { compileFilter } from '../../codec/seccomp/compile-filter.ts';
import { seccompFlags } from '../../oci/seccomp-flags.ts';
import type { SeccompSpec } from '../../oci/spec.ts';
import { usesListener } from '../../oci/validate-seccomp.ts';
import type { SeccompFilter } from '../plan/seccomp-filter.ts';

let numbers: CallNumbers | undefined;

function flagsOf(profile: SeccompSpec, hasListener: boolean): number {
  const flags = profile.flags.reduce((bits, name) => bits | (seccompFlags.get(name) ?? 0), 0);
  if (!hasListener) return flags;
  // There is one thread, and the kernel takes the two together only with a third flag.
  return (flags & ~SECCOMP_FILTER_FLAG_TSYNC) | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

/** Compiles a profile that passed `checkSeccomp` for the kernel of this machine. Throws `invalid_argument` naming the field. */
export function compileProfile(profile: SeccompSpec): SeccompFilter {
  numbers ??= parseCallNumbers(callNames, callNumbers);
  const hasListener = usesListener(profile);
  return { words: compileFilter(profile, archName, numbers), flags: flagsOf(profile, hasListener), hasListener };
}
