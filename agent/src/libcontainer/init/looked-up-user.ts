import type { Step } from '../plan/launch-plan.ts';
import type { ResolvedUser } from '../process/resolve-user.ts';

type UserStep = Extract<Step, { do: 'user' }>;

/** The step with what was found for a name: its ids, and its groups beside those of the plan. */
export function withLookedUp(step: UserStep, user: ResolvedUser | undefined): UserStep {
  if (user === undefined) return step;
  const found = user.additionalGids ?? [];
  const more = found.filter((gid) => !step.groups.includes(gid));
  return { ...step, uid: user.uid, gid: user.gid ?? step.gid, groups: [...step.groups, ...more] };
}
