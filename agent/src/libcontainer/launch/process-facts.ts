import { exists, readText } from '../../sys/file.ts';
import { geteuid } from '../../sys/process.ts';
import type { ProcessFacts } from '../plan/compile-process.ts';
import { securityModules } from './security-modules.ts';
import type { LaunchContext } from '../types.ts';

/** Facts of the caller that every plan needs. */
export function processFacts(context: LaunchContext): Omit<ProcessFacts, 'setsGroups'> {
  // What is launched must not be protected from the OOM killer (LIV-02). Raising needs no rights.
  const own = context.rules.resetsOomScore ? Number(readText('/proc/self/oom_score_adj').trim()) : 0;
  return {
    defaultNofile: context.defaultNofile,
    defaultOomScoreAdj: own < 0 ? 0 : undefined,
    modules: securityModules,
    looksUpUsernames: context.rules.looksUpUsernames,
  };
}

/** True when the caller may do what root may; else it has only what a user namespace of its own gives. */
export function hasPrivileges(): boolean {
  return geteuid() === 0;
}

/** True when the kernel offers `/proc/kcore`. */
export function hasKcore(): boolean {
  return exists('/proc/kcore');
}
