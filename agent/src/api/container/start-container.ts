import type { AgentHandler } from '../handler.ts';

/** StartContainer: opens init's start gate; does not wait for execve (lifecycle 4.3). */
export const startContainer: AgentHandler<'StartContainer'> = async (context, request, call) => {
  await context.sandbox.startContainer(request.container_id, call.signal);
  return {};
};
