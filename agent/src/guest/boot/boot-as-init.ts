import { RLIMIT_NOFILE } from '../../abi/constants.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Rlimit } from '../../sys/process.ts';
import { getRlimit, setChildSubreaper, setRlimit } from '../../sys/process.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import { EARLY_STEPS, LATE_STEPS } from './boot-plan.ts';
import { runStep } from './run-step.ts';
import { protectFromOomKiller } from '../../sys/oom-score.ts';
import { leaveInitialRamfs } from './switch-root.ts';

/** PATH of the agent as PID 1 and of what it runs in the guest (contract 2.1, step 8). */
export const INIT_PATH = '/bin:/sbin/:/usr/bin/:/usr/sbin/';

/** Descriptors that the agent may hold: streams of many processes, connections. The kernel's default for `nr_open`. */
const NOFILE = 1n << 20n;

/**
 * First half of boot as PID 1: leaves the initial ramfs and mounts what the settings are read from. Throws when a required
 * step fails: print it and power off.
 */
export function bootEarly(log: Logger): void {
  leaveInitialRamfs(log);
  for (const step of EARLY_STEPS) runStep(step, log);
}

/** Second half, with the settings known: cgroups, terminal, host name, loopback. Throws when a required step fails. */
export function bootLate(config: AgentConfig, log: Logger): void {
  if (config.isCgroupV1Requested) {
    log.warn('the kernel command line asks for cgroup v1; this agent uses cgroup v2');
  }
  for (const step of LATE_STEPS) runStep(step, log);
  // The kernel spares its first process; this says so to whoever asks, and to the agent's own helpers (LIV-02).
  try {
    protectFromOomKiller();
  } catch (error) {
    log.warn('cannot protect the agent from the OOM killer', { error: describeError(error) });
  }
}

/**
 * What both modes do for the process itself: adopt orphans, and raise the limit of descriptors as far as allowed.
 *
 * @returns the limit as it was, which is what containers shall see.
 */
export function prepareProcess(log: Logger): Rlimit {
  setChildSubreaper();
  const before = getRlimit(RLIMIT_NOFILE);
  const wanted = before.hard > NOFILE ? before.hard : NOFILE;
  for (const hard of [wanted, before.hard]) {
    try {
      setRlimit(RLIMIT_NOFILE, { soft: hard, hard });
      return before;
    } catch (error) {
      log.debug('cannot raise RLIMIT_NOFILE', { limit: hard, error: describeError(error) });
    }
  }
  return before;
}
