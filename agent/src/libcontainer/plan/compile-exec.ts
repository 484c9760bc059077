import type { CapabilitySets, NamespaceType, ProcessSpec } from '../../oci/spec.ts';
import { joinOrder } from './compile-container.ts';
import { compileIdentity, compilePrivileges, compileProgram, compileTerminal } from './compile-process.ts';
import type { ProcessFacts } from './compile-process.ts';
import { compileKeyring, noSecurityModules } from './compile-labels.ts';
import { compileStart } from './compile-scheduling.ts';
import { compileSeccomp } from './compile-seccomp.ts';
import type { SharedAttributes } from './compile-scheduling.ts';
import type { InheritedDescriptors } from './inherited-descriptors.ts';
import type { LaunchPlan, Step } from './launch-plan.ts';
import { namespaceFlags } from './namespace-flags.ts';

export interface ExecFacts extends ProcessFacts {
  /** The process of the container's own spec. */
  readonly container: ProcessSpec;
  /** What all processes of the container have in common; undefined: nothing. */
  readonly shared?: SharedAttributes;
  readonly isPrivileged: boolean;
  readonly keepsKeyring: boolean;
}

const noSharedAttributes: SharedAttributes = { personality: undefined, memoryPolicy: undefined };
const noCapabilities: CapabilitySets = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };

/**
 * What the request leaves open is as in the container: hosts send neither capabilities nor limits nor no_new_privs with an
 * exec, and a way in with fewer bounds than init has would be a way out (EXE-08).
 */
export function withContainerDefaults(process: ProcessSpec, container: ProcessSpec): ProcessSpec {
  return {
    ...process,
    capabilities: process.capabilities ?? container.capabilities ?? noCapabilities,
    rlimits: process.rlimits.length > 0 ? process.rlimits : container.rlimits,
    noNewPrivileges: process.noNewPrivileges || container.noNewPrivileges,
    oomScoreAdj: process.oomScoreAdj ?? container.oomScoreAdj,
    user: { ...process.user, umask: process.user.umask ?? container.user.umask },
    apparmorProfile: process.apparmorProfile ?? container.apparmorProfile,
    selinuxLabel: process.selinuxLabel ?? container.selinuxLabel,
    scheduler: process.scheduler ?? container.scheduler,
    ioPriority: process.ioPriority ?? container.ioPriority,
    execCpuAffinity: process.execCpuAffinity ?? container.execCpuAffinity,
  };
}

/**
 * Compiles a further process of a container: everything is joined by the descriptors pinned when the container was made, and
 * nothing of the container is touched. The parent sees to the pid namespace and the cgroup.
 */
export function compileExec<T>(
  request: ProcessSpec,
  facts: ExecFacts,
  namespaces: Readonly<Partial<Record<NamespaceType, T>>>,
  root: T,
  descriptors: InheritedDescriptors<T>,
): LaunchPlan {
  const process = withContainerDefaults(request, facts.container);
  const shared = facts.shared ?? noSharedAttributes;
  const joins = joinOrder(facts.isPrivileged).flatMap((type): Step[] => {
    const source = namespaces[type];
    if (source === undefined) return [];
    return [{ do: 'join-namespace', type, flag: namespaceFlags[type], descriptor: descriptors.add(source) }];
  });
  return {
    steps: [
      ...compileStart(process, shared, true),
      ...compileKeyring(process, facts.modules ?? noSecurityModules, facts.keepsKeyring),
      ...compilePrivileges(process, facts),
      ...joins,
      ...(namespaces.user === undefined
        ? []
        : [{ do: 'user-namespace', asksParent: false, setsGroups: facts.setsGroups, isDumpable: false } as const]),
      { do: 'enter-root', descriptor: descriptors.add(root) },
      ...compileTerminal(process, false),
      ...compileIdentity(process, process.capabilities ?? noCapabilities, facts.setsGroups, {
        facts,
        shared,
        isExec: true,
        hasStartHooks: false,
      }),
    ],
    lateSteps: compileSeccomp(process, facts.seccomp, false).late,
    startHooks: undefined,
    program: compileProgram(process),
  };
}
