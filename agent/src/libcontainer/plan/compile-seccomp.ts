import { CAP_SYS_ADMIN } from '../../abi/constants.ts';
import type { ProcessSpec } from '../../oci/spec.ts';
import type { Step } from './launch-plan.ts';
import type { SeccompFilter } from './seccomp-filter.ts';

/** Where a filter goes into a plan. */
export interface SeccompSteps {
  /** The end of the steps before the process is ready. */
  readonly early: readonly Step[];
  /** Last before execve. */
  readonly late: readonly Step[];
  /** Capabilities that the process needs beyond its own until execve, which takes them away. */
  readonly kept: readonly number[];
}

/**
 * A filter comes last, so that a profile only has to allow what the program needs, and execve. Without no_new_privs the kernel
 * wants CAP_SYS_ADMIN for it: the process keeps that until execve, whose rules make the sets of the program from the bounding,
 * inheritable and ambient sets alone (capabilities(7)).
 *
 * It comes earlier when hooks of startContainer are to be under it, which they are unless no_new_privs is set (contract, lifecycle
 * section 10), and when a listener has to be handed on while the parent is still there.
 */
export function compileSeccomp(
  process: ProcessSpec,
  filter: SeccompFilter | undefined,
  hasStartHooks: boolean,
): SeccompSteps {
  if (filter === undefined) return { early: [], late: [], kept: [] };
  const step: Step = { do: 'seccomp', ...filter };
  const isEarly = filter.hasListener || (hasStartHooks && !process.noNewPrivileges);
  const kept = process.noNewPrivileges ? [] : [CAP_SYS_ADMIN];
  return { early: isEarly ? [step] : [], late: isEarly ? [] : [step], kept };
}
