import { invalidArgument } from '../base/errors.ts';
import { seccompFlags } from './seccomp-flags.ts';
import type { SeccompSpec, Spec } from './spec.ts';

const at = 'linux.seccomp';

/** True when a rule hands calls to a listener. */
export function usesListener(seccomp: SeccompSpec): boolean {
  return seccomp.syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY');
}

/**
 * Calls that cannot wait for a listener: the descriptor that the listener needs is sent with sendmsg(2) after the filter is on, and
 * runc, which profiles are written for, sends with write(2).
 */
const mustNotWait: readonly string[] = ['sendmsg', 'write'];

function checkListener(seccomp: SeccompSpec): void {
  if (seccomp.defaultAction === 'SCMP_ACT_NOTIFY')
    throw invalidArgument(`${at}.defaultAction`, 'SCMP_ACT_NOTIFY cannot be the default');
  seccomp.syscalls.forEach(({ names, action }, number) => {
    const name = action === 'SCMP_ACT_NOTIFY' ? names.find((entry) => mustNotWait.includes(entry)) : undefined;
    if (name !== undefined)
      throw invalidArgument(`${at}.syscalls[${number}]`, `SCMP_ACT_NOTIFY cannot be used for ${name}`);
  });
  const { listenerPath, listenerMetadata } = seccomp;
  if (usesListener(seccomp) && listenerPath === undefined)
    throw invalidArgument(`${at}.listenerPath`, 'missing, and SCMP_ACT_NOTIFY needs a listener');
  if (listenerPath !== undefined && !listenerPath.startsWith('/'))
    throw invalidArgument(`${at}.listenerPath`, `${listenerPath} is not absolute`);
  if (listenerMetadata !== undefined && listenerPath === undefined)
    throw invalidArgument(`${at}.listenerMetadata`, 'needs a listenerPath');
}

function checkFlags(seccomp: SeccompSpec): void {
  seccomp.flags.forEach((flag, index) => {
    const field = `${at}.flags[${index}]`;
    if (!seccompFlags.has(flag)) throw invalidArgument(field, `unknown flag ${JSON.stringify(flag)}`);
    if (flag === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' && !usesListener(seccomp))
      throw invalidArgument(field, `${flag} needs a rule with SCMP_ACT_NOTIFY`);
  });
}

/** What can be said of a profile without compiling it; rules and architectures are checked by the compiler. */
export function checkSeccomp(spec: Spec): void {
  const { seccomp } = spec.linux;
  if (seccomp === undefined) return;
  checkListener(seccomp);
  checkFlags(seccomp);
}
