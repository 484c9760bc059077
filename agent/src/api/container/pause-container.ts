import type { AgentHandler } from '../handler.ts';

/** PauseContainer (lifecycle 4.4). */
export const pauseContainer: AgentHandler<'PauseContainer'> = async (context, request, call) => {
  await context.sandbox.pauseContainer(request.container_id, call.signal);
  return {};
};
