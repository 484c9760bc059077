import type { AgentHandler } from '../handler.ts';

/** ResumeContainer (lifecycle 4.4). */
export const resumeContainer: AgentHandler<'ResumeContainer'> = async (context, request, call) => {
  await context.sandbox.resumeContainer(request.container_id, call.signal);
  return {};
};
