import type { AgentHandler } from '../handler.ts';

/** WaitProcess (lifecycle 5.2): the exit code, or 128 plus the signal. */
export const waitProcess: AgentHandler<'WaitProcess'> = async (context, request, call) => ({
  status: await context.sandbox.container(request.container_id).wait(request.exec_id, call.signal),
});
