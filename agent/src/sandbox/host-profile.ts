import type { Logger } from '../base/log.ts';
import type { SecurityModules } from '../libcontainer/plan/compile-labels.ts';
import type { ProcessSpec } from '../oci/spec.ts';

/**
 * A process without the AppArmor profile of its host, on a guest that does not run AppArmor: container managers send the default
 * profile of the machine they run on, whatever the guest is, and hosts count on it being passed over (contract, lifecycle
 * section 7). The VM is the wall that it would have been. A guest that runs AppArmor applies what is asked for, or refuses.
 */
export function withoutHostProfile(process: ProcessSpec, modules: SecurityModules, log: Logger): ProcessSpec {
  const { apparmorProfile } = process;
  if (apparmorProfile === undefined || modules.hasAppArmor()) return process;
  log.warn('process.apparmorProfile: accepted, the guest has no AppArmor', { profile: apparmorProfile.slice(0, 80) });
  return { ...process, apparmorProfile: undefined };
}
