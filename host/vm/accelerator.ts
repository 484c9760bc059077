import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { arch } from 'node:process';
import { architectureName } from './architecture.ts';
import { runKvmTrial } from './kvm-trial.ts';

/** What executes guest code, and why it was chosen. `reason` is a half sentence for people. */
export interface Accelerator {
  readonly kind: 'kvm' | 'tcg';
  readonly reason: string;
}

/** What was found on the host, in the order in which it is asked. Later facts are undefined when an earlier one rules KVM out. */
export interface KvmFacts {
  readonly hasCpuFlags: boolean;
  readonly deviceError: string | undefined;
  readonly trialError: string | undefined;
}

/**
 * KVM only where it really works. /dev/kvm may exist, and even create a VM, on a host without hardware virtualization
 * whose kernel offers something else behind that name, which does not run a stock guest kernel.
 */
export function chooseAccelerator(facts: KvmFacts): Accelerator {
  if (!facts.hasCpuFlags) return { kind: 'tcg', reason: 'the CPU shows no vmx or svm' };
  if (facts.deviceError !== undefined) return { kind: 'tcg', reason: `/dev/kvm: ${facts.deviceError}` };
  if (facts.trialError !== undefined) return { kind: 'tcg', reason: `a KVM trial failed: ${facts.trialError}` };
  return { kind: 'kvm', reason: 'CPU flags, /dev/kvm and a trial VM are all right' };
}

/** True when /proc/cpuinfo lists hardware virtualization: `vmx` (Intel) or `svm` (AMD). */
export function hasVirtualizationFlags(cpuinfo: string): boolean {
  return /^flags\s*:.*\b(?:vmx|svm)\b/m.test(cpuinfo);
}

function tryOpenKvm(): string | undefined {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    closeSync(openSync('/dev/kvm', 'r+'));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** Looks at this host. The trial (about 0.2 s) runs only when flags and device are there. */
export async function probeAccelerator(qemuPath: string, guestArchitecture?: string): Promise<Accelerator> {
  if (guestArchitecture !== undefined && guestArchitecture !== architectureName())
    return { kind: 'tcg', reason: `the guest is ${guestArchitecture}, this host ${architectureName()}` };
  // Hardware virtualization of arm64 has no CPU flag: there the device and the trial decide.
  const hasCpuFlags = arch !== 'x64' || hasVirtualizationFlags(readFileSync('/proc/cpuinfo', 'latin1'));
  if (!hasCpuFlags) return chooseAccelerator({ hasCpuFlags, deviceError: undefined, trialError: undefined });
  const deviceError = tryOpenKvm();
  if (deviceError !== undefined) return chooseAccelerator({ hasCpuFlags, deviceError, trialError: undefined });
  return chooseAccelerator({ hasCpuFlags, deviceError, trialError: await runKvmTrial(qemuPath, 'kvm') });
}
