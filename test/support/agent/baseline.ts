import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../eventually.ts';
import type { AgentProcess } from './start-agent.ts';
import { allChildrenOf, cgroupsBelow, mountTable, openDescriptors, tree } from './kernel-view.ts';

/** Check C2: what an agent holds in the kernel at one moment. */
export interface Baseline {
  readonly mounts: readonly string[];
  readonly descriptors: readonly string[];
  readonly children: readonly string[];
  readonly cgroups: readonly string[];
  readonly state: readonly string[];
}

/** What one baseline has and the other has not, one line each; empty when they are equal. */
export function residue(before: Baseline, after: Baseline): string[] {
  const lines: string[] = [];
  for (const kind of ['mounts', 'descriptors', 'children', 'cgroups', 'state'] as const) {
    lines.push(...missing(before[kind], after[kind]).map((line) => `gone from ${kind}: ${line}`));
    lines.push(...missing(after[kind], before[kind]).map((line) => `left in ${kind}: ${line}`));
  }
  return lines;
}

/** Elements of `all` that `other` lacks, counting repetitions. */
function missing(all: readonly string[], other: readonly string[]): string[] {
  const rest = [...other];
  return all.filter((line) => {
    const index = rest.indexOf(line);
    if (index < 0) return true;
    rest.splice(index, 1);
    return false;
  });
}

/** Takes the baseline of an agent. */
export function takeBaseline(agent: AgentProcess): Baseline {
  return {
    mounts: mountTable(agent.pid),
    descriptors: openDescriptors(agent.pid),
    children: allChildrenOf(agent.pid).map((child) => `${child.name} ${child.state}`),
    cgroups: cgroupsBelow(agent.cgroup.path),
    state: tree(agent.path('/run')),
  };
}

/** Two looks this far apart that see the same make a baseline, in ms. */
const SETTLE_STEP_MS = 30;

/** The baseline once nothing is on its way any more, such as the end of a connection that was just closed. */
export async function settledBaseline(agent: AgentProcess): Promise<Baseline> {
  let last = takeBaseline(agent);
  return await eventually(async () => {
    await sleep(SETTLE_STEP_MS);
    const before = last;
    last = takeBaseline(agent);
    if (JSON.stringify(before) !== JSON.stringify(last)) throw new Error('the agent does not come to rest');
    // On a busy machine the agent may not have had a turn between the looks.
    if (last.children.some((child) => child.endsWith(' Z'))) throw new Error('the agent has not reaped its children');
    return last;
  });
}
