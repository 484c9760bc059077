import type { CapabilitySets, NamespaceType, ProcessSpec } from '../../oci/spec.ts';
import { joinOrder } from './compile-container.ts';
import { compileIdentity, compilePrivileges, compileProgram, compileTerminal } from './compile-process.ts';
import type { ProcessFacts } from './compile-process.ts';
import type { InheritedDescriptors } from './inherited-descriptors.ts';
import type { LaunchPlan, Step } from './launch-plan.ts';
import { namespaceFlags } from './namespace-flags.ts';

export interface ExecFacts extends ProcessFacts {
  /** The process of the container's own spec. */
  readonly container: ProcessSpec;
}

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
  const joins = joinOrder.flatMap((type): Step[] => {
    const source = namespaces[type];
    if (source === undefined || type === 'user') return [];
    return [{ do: 'join-namespace', type, flag: namespaceFlags[type], descriptor: descriptors.add(source) }];
  });
  return {
    steps: [
      { do: 'session-keyring' },
      ...compilePrivileges(process, facts),
      ...joins,
      { do: 'enter-root', descriptor: descriptors.add(root) },
      ...compileTerminal(process, false),
      ...compileIdentity(process, process.capabilities ?? noCapabilities),
    ],
    program: compileProgram(process),
  };
}
