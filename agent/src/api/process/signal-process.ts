import { SIGKILL, SIGTERM } from '../../abi/constants.ts';
import { invalidArgument } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { handlesSignal } from '../../sandbox/signal-disposition.ts';
import type { AgentHandler } from '../handler.ts';

/** The highest signal number of Linux. */
const MAX_SIGNAL = 64;

/**
 * SignalProcess (lifecycle 5.1). Without exec id SIGKILL goes to every process of the container. SIGTERM to an init that does not
 * handle it becomes SIGKILL: the kernel would drop it for the first process of a pid namespace. A target that is dead but not
 * yet waited for is a success.
 */
export const signalProcess: AgentHandler<'SignalProcess'> = (context, request) => {
  const { signal } = request;
  const container = context.sandbox.container(request.container_id);
  if (signal > MAX_SIGNAL) throw invalidArgument('signal', `${signal} is not a signal (0 to ${MAX_SIGNAL})`);
  if (request.exec_id === '' && signal === SIGKILL) {
    container.handle.killAll();
    return {};
  }
  const { process } = container.process(request.exec_id);
  const isInit = request.exec_id === '' || request.exec_id === container.id;
  try {
    const isDropped = isInit && signal === SIGTERM && !handlesSignal(process.pid, signal);
    process.signal(isDropped ? SIGKILL : signal);
  } catch (error) {
    if (!isSysError(error, 'ESRCH')) throw error;
  }
  return {};
};
