import type { AgentHandler } from '../handler.ts';

/** RemoveContainer (lifecycle 4.5). `timeout` counts seconds, 0 is no limit. */
export const removeContainer: AgentHandler<'RemoveContainer'> = async (context, request) => {
  await context.sandbox.removeContainer(request.container_id, request.timeout > 0 ? request.timeout * 1000 : undefined);
  return {};
};
