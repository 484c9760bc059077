import { exists, readText } from '../../sys/file.ts';
import type { ProcessFacts } from '../plan/compile-process.ts';
import type { LaunchContext } from '../types.ts';

/** Facts of the agent that every plan needs. */
export function processFacts(context: LaunchContext): ProcessFacts {
  // The agent may be protected from the OOM killer; what it launches must not be (LIV-02). Raising needs no rights.
  const own = Number(readText('/proc/self/oom_score_adj').trim());
  return { defaultNofile: context.defaultNofile, defaultOomScoreAdj: own < 0 ? 0 : undefined };
}

/** True when the guest's kernel offers `/proc/kcore`. */
export function hasKcore(): boolean {
  return exists('/proc/kcore');
}
