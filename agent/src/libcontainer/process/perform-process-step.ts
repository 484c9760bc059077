import { assertNever } from '../../base/assert-never.ts';
import { DomainError, invalidArgument } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { NumberListError, numberListMask } from '../../codec/number-mask.ts';
import { setLinkUp } from '../../sys/link-flags.ts';
import { getpid } from '../../sys/process.ts';
import { setIoPriority, setMemoryPolicy, setPersonality, setScheduler } from '../../sys/scheduling.ts';
import type { ProcessStep } from '../plan/process-steps.ts';
import type { ContainerRoot } from '../rootfs/container-root.ts';
import { openDetachedProcfs } from '../rootfs/procfs.ts';
import { bindToCpus } from './affinity.ts';
import { resetInherited } from './inherited.ts';
import { resolveUser } from './resolve-user.ts';
import type { ResolvedUser } from './resolve-user.ts';
import { setExecLabel, setKeyringLabel } from './security-label.ts';

/** MAX_NUMNODES of the largest kernels: 2^NODES_SHIFT. */
const maxNodes = 1024;

/** Adds what errno alone does not tell. */
function explain(error: unknown, codes: readonly string[], field: string, why: string): unknown {
  return isSysError(error, ...codes) ? new DomainError('failed_precondition', `${field}: ${why}`, error) : error;
}

function applyScheduler(step: Extract<ProcessStep, { do: 'scheduler' }>): void {
  const { runtime, deadline, period } = step;
  try {
    setScheduler({ ...step, runtime: BigInt(runtime), deadline: BigInt(deadline), period: BigInt(period) });
  } catch (error) {
    throw explain(error, ['EPERM', 'EACCES'], 'process.scheduler', 'needs CAP_SYS_NICE in the initial user namespace');
  }
}

function applyMemoryPolicy(step: Extract<ProcessStep, { do: 'memory-policy' }>): void {
  const field = 'linux.memoryPolicy';
  try {
    setMemoryPolicy(step.mode, step.nodes === '' ? new Uint8Array(0) : numberListMask(step.nodes, maxNodes));
  } catch (error) {
    if (error instanceof NumberListError) throw invalidArgument(`${field}.nodes`, error.message);
    const noNode = `no memory node of ${JSON.stringify(step.nodes)} is allowed, or this kernel does not know the mode`;
    throw explain(explain(error, ['EINVAL'], field, noNode), ['ENOSYS'], field, 'this kernel has no NUMA support');
  }
}

function applyIoPriority(step: Extract<ProcessStep, { do: 'io-priority' }>): void {
  try {
    setIoPriority(step.ioClass, step.priority);
  } catch (error) {
    throw explain(error, ['EPERM'], 'process.ioPriority', 'the class needs CAP_SYS_NICE or CAP_SYS_ADMIN');
  }
}

/** What these steps leave to those after them. */
export interface FoundUser {
  user: ResolvedUser | undefined;
}

/** Carries out one step of the attributes of a process. `requireRoot` throws when the container's root is not there yet. */
export function performProcessStep(state: FoundUser, step: ProcessStep, requireRoot: () => ContainerRoot): void {
  switch (step.do) {
    case 'inherited':
      return resetInherited(step.resetsScheduler, step.resetsPersonality);
    case 'affinity':
      return bindToCpus(step.cpus, step.isAdvice);
    case 'scheduler':
      return applyScheduler(step);
    case 'io-priority':
      return applyIoPriority(step);
    case 'personality':
      setPersonality(step.persona);
      return;
    case 'memory-policy':
      return applyMemoryPolicy(step);
    case 'security-label': {
      using procfs = openDetachedProcfs();
      return setExecLabel(procfs, String(getpid()), step.module, step.label);
    }
    case 'keyring-label': {
      using procfs = openDetachedProcfs();
      return setKeyringLabel(procfs, String(getpid()), step.label);
    }
    case 'loopback':
      return setLinkUp('lo');
    case 'look-up-user':
      state.user = resolveUser(requireRoot(), step.text);
      return;
    default:
      return assertNever(step);
  }
}
