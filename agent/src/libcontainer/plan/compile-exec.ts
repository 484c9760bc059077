import type { CapabilitySets, NamespaceType, ProcessSpec } from '../../oci/spec.ts';
import { joinOrder } from './compile-container.ts';
import { compileIdentity, compilePrivileges, compileProgram, compileTerminal } from './compile-process.ts';
import type { ProcessFacts } from './compile-process.ts';
import type { InheritedDescriptors } from './inherited-descriptors.ts';
import type { LaunchPlan, Step } from './launch-plan.ts';
import { namespaceFlags } from './namespace-flags.ts';

export interface ExecFacts extends ProcessFacts {
  /** The container's own sets, for a process that brings none. */
  readonly containerCapabilities: CapabilitySets;
}

/**
 * Compiles a further process of a container: everything is joined by the descriptors pinned when the container was made, and
 * nothing of the container is touched. The parent sees to the pid namespace and the cgroup.
 */
export function compileExec<T>(
  process: ProcessSpec,
  facts: ExecFacts,
  namespaces: Readonly<Partial<Record<NamespaceType, T>>>,
  root: T,
  descriptors: InheritedDescriptors<T>,
): LaunchPlan {
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
      ...compileIdentity(process, process.capabilities ?? facts.containerCapabilities),
    ],
    program: compileProgram(process),
  };
}
