import type { AgentProcess } from './start-agent.ts';
import { cgroupsBelow, childrenOf, mountTable, openDescriptors, tree } from './kernel-view.ts';

/** Check C2: what an agent holds in the kernel at one moment. */
export interface Baseline {
  readonly mounts: readonly string[];
  readonly descriptors: readonly string[];
  readonly children: readonly string[];
  readonly cgroups: readonly string[];
  readonly state: readonly string[];
}

/** Takes the baseline of an agent. Compare two of them with `toEqual`: a difference is named. */
export function takeBaseline(agent: AgentProcess): Baseline {
  return {
    mounts: mountTable(agent.pid),
    descriptors: openDescriptors(agent.pid),
    children: childrenOf(agent.pid).map((child) => `${child.name} ${child.state}`),
    cgroups: cgroupsBelow(agent.cgroup.path),
    state: tree(agent.path('/run')),
  };
}
