import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { mkdirAll, readText, writeFile } from '../../sys/file.ts';
import { getpid } from '../../sys/process.ts';
import { CGROUP_ROOT } from './boot-plan.ts';

/** The agent's own group. Containers have theirs beside it. */
export const AGENT_CGROUP = `${CGROUP_ROOT}/kihon-agent`;

/**
 * Memory of the agent that the kernel does not reclaim, however short the guest is. Only what is really used counts, so
 * this is the limit of the engine's heap and not what the agent takes.
 */
const AGENT_MEMORY_MIN_BYTES = 64 << 20;

/**
 * Switches on every controller for the groups below the root and moves the agent into a group of its own with protected
 * memory (design, "Staying alive").
 */
export function prepareCgroup(log: Logger): void {
  const controllers = readText(`${CGROUP_ROOT}/cgroup.controllers`)
    .split(/\s+/)
    .filter((name) => name !== '');
  enableControllers(controllers, log);
  mkdirAll(AGENT_CGROUP);
  writeFile(`${AGENT_CGROUP}/cgroup.procs`, String(getpid()));
  if (controllers.includes('memory')) {
    attempt(log, 'protect the agent’s memory', () =>
      writeFile(`${AGENT_CGROUP}/memory.min`, String(AGENT_MEMORY_MIN_BYTES)),
    );
  }
}

/** All at once, which the kernel applies in one go; one by one when it refuses, as some cannot be used on every kernel. */
function enableControllers(controllers: readonly string[], log: Logger): void {
  const enable = (names: readonly string[]): void =>
    writeFile(`${CGROUP_ROOT}/cgroup.subtree_control`, names.map((name) => `+${name}`).join(' '));
  try {
    enable(controllers);
  } catch (error) {
    log.debug('cannot enable all cgroup controllers at once', { error: describeError(error) });
    for (const name of controllers) attempt(log, `enable cgroup controller ${name}`, () => enable([name]));
  }
}

function attempt(log: Logger, what: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    log.warn(`cannot ${what}`, { error: describeError(error) });
  }
}
