import type { CapabilitySets, NamespaceType, ProcessSpec } from '../../oci/spec.ts';
import { joinOrder } from './compile-container.ts';
import { compileIdentity, compilePrivileges, compileProgram, compileTerminal } from './compile-process.ts';
import type { ProcessFacts } from './compile-process.ts';
import { compileKeyring, noSecurityModules } from './compile-labels.ts';
import { compileStart } from './compile-scheduling.ts';
import { compileSeccomp } from './compile-seccomp.ts';
import type { SeccompSteps } from './compile-seccomp.ts';
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
  /** Somebody in the pid namespace may look into every process there. */
  readonly isWatched?: boolean;
}

type JoinStep = Extract<Step, { do: 'join-namespace' }>;

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
 * Whether the process has to keep out of the container's pid namespace until it has no more rights than the container (EXE-05). In a
 * user namespace the kernel keeps everybody off a process that is not dumpable. Two rarities cannot be had that way: a policy that a
 * child does not inherit, and a listener for a filter that takes rights to set.
 */
export function goesOnInside(
  request: ProcessSpec,
  facts: ExecFacts,
  namespaces: Readonly<Partial<Record<NamespaceType, unknown>>>,
): boolean {
  if (facts.isWatched !== true || namespaces.pid === undefined || namespaces.user !== undefined) return false;
  const { scheduler, noNewPrivileges } = withContainerDefaults(request, facts.container);
  const isInherited =
    scheduler === undefined ||
    (scheduler.policy !== 'SCHED_DEADLINE' && !scheduler.flags.includes('SCHED_FLAG_RESET_ON_FORK'));
  return isInherited && (noNewPrivileges || facts.seccomp?.hasListener !== true);
}

/** The steps of `compileIdentity` in the order for a process that goes on inside: all rights are given up before that. */
function keepOutside(steps: readonly Step[], seccomp: SeccompSteps, closes: readonly number[]): readonly Step[] {
  const { kept } = seccomp;
  const isInside = (step: Step): boolean => step.do === 'session' || step.do === 'seccomp';
  // A filter that takes rights to set is on from here: with them nobody may be seen inside.
  const last: readonly Step[] =
    kept.length === 0 ? [] : [...seccomp.late, { do: 'drop-capabilities', capabilities: kept }];
  const outside = steps.filter((step) => !isInside(step));
  return [...outside, ...last, { do: 'go-on-inside', closes }, ...steps.filter(isInside)];
}

/**
 * Compiles a further process of a container: everything is joined by the descriptors pinned when the container was made, and
 * nothing of the container is touched. The parent sees to the cgroup, and to the pid namespace unless it is told otherwise.
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
  const isLate = goesOnInside(request, facts, namespaces);
  const types = joinOrder(facts.isPrivileged);
  const joins = (isLate ? ([...types, 'pid'] as const) : types).flatMap((type): JoinStep[] => {
    const source = namespaces[type];
    if (source === undefined) return [];
    return [{ do: 'join-namespace', type, flag: namespaceFlags[type], descriptor: descriptors.add(source) }];
  });
  const identity = compileIdentity(process, process.capabilities ?? noCapabilities, facts.setsGroups, {
    facts,
    shared,
    isExec: true,
    hasStartHooks: false,
  });
  const seccomp = compileSeccomp(process, facts.seccomp, false);
  const closes = joins.map(({ descriptor }) => descriptor);
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
      ...(isLate ? keepOutside(identity, seccomp, closes) : identity),
    ],
    lateSteps: isLate && seccomp.kept.length > 0 ? [] : seccomp.late,
    startHooks: undefined,
    program: compileProgram(process),
  };
}
