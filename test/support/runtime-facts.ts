import { runtimeHookRules } from '../../agent/src/libcontainer/plan/compile-hooks.ts';

/** What the planner is told by a runtime that is root, about bundle `/b`: for containers and for further processes of them. */
export const runtimeFacts = {
  rootfsPath: '/b/rootfs',
  alwaysOwnCgroupNamespace: false,
  isPrivileged: true,
  setsGroups: true,
  keepsKeyring: false,
  hooks: runtimeHookRules,
  place: { id: 'c', bundle: '/b' },
  hasKcore: true,
  defaultNofile: undefined,
  defaultOomScoreAdj: undefined,
};
