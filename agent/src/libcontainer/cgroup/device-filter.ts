import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { simplifyDeviceRules } from '../../codec/bpf/device-policy.ts';
import type { DeviceMatch } from '../../codec/bpf/device-policy.ts';
import { compileDeviceProgram } from '../../codec/bpf/device-program.ts';
import {
  attachDeviceProgram,
  attachedDevicePrograms,
  detachDeviceProgram,
  loadDeviceProgram,
  openProgram,
  ProgramRefused,
} from '../../sys/bpf.ts';
import type { Fd } from '../../sys/fd.ts';
import { readText } from '../../sys/file.ts';

const programName = 'kihon_devices';

function refusal(error: unknown): unknown {
  if (isSysError(error, 'ENOSYS') || isSysError(error, 'EINVAL')) {
    const need = 'CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF, Linux 4.15';
    return new DomainError('failed_precondition', `device rules: the kernel cannot filter devices (${need})`, error);
  }
  if (error instanceof ProgramRefused) {
    if (error.verifierLog === '') return refusal(error.cause);
    return new DomainError('internal', 'device rules', error);
  }
  return error;
}

/** Root of a user namespace may not load programs; there the kernel keeps devices from it by other means (mknod, nodev). */
function isInUserNamespace(): boolean {
  const [inside, outside, count] = readText('/proc/self/uid_map').trim().split(/\s+/);
  return !(inside === '0' && outside === '0' && count === '4294967295');
}

/** What became of device rules: `skipped` where the program that asked has no right to load one and needs none. */
export type DeviceFilterOutcome = 'attached' | 'not-needed' | 'skipped';

/**
 * Makes `rules` the device rules of a cgroup, in place of all that were attached to it, without a moment in which more is
 * allowed than before or after (CGN-06): the new program replaces the old one in one call, or is attached beside several
 * old ones (all must agree to an access) before they go. Rules that allow everything need no program. On an error the old
 * rules hold.
 */
export function setDeviceRules(cgroup: Fd, rules: readonly DeviceMatch[]): DeviceFilterOutcome {
  const policy = simplifyDeviceRules(rules);
  const allowsAll = policy.isDefaultAllow && policy.rules.length === 0;
  try {
    const old = attachedDevicePrograms(cgroup).map(openProgram);
    try {
      if (allowsAll) {
        for (const program of old) detachDeviceProgram(cgroup, program);
        return 'not-needed';
      }
      using program = loadDeviceProgram(compileDeviceProgram(policy), programName);
      replacePrograms(cgroup, program, old);
      return 'attached';
    } finally {
      for (const program of old) program.close();
    }
  } catch (error) {
    const cause = error instanceof ProgramRefused ? error.cause : error;
    if (isSysError(cause, 'EPERM') && isInUserNamespace()) return 'skipped';
    throw refusal(error);
  }
}

function replacePrograms(cgroup: Fd, program: Fd, old: readonly Fd[]): void {
  const [only, ...more] = old;
  if (only === undefined) {
    attachDeviceProgram(cgroup, program);
    return;
  }
  if (more.length === 0) {
    try {
      attachDeviceProgram(cgroup, program, only);
      return;
    } catch (error) {
      // Before Linux 5.6 the flag is unknown.
      if (!isSysError(error, 'EINVAL')) throw error;
    }
  }
  attachDeviceProgram(cgroup, program);
  for (const each of old) detachDeviceProgram(cgroup, each);
}
