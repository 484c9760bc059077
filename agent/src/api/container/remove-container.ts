import type { AgentHandler } from '../handler.ts';

/** "No limit" as a timer can hold it: 24 days. */
const NO_LIMIT_MS = 0x7fffffff;

/** RemoveContainer (lifecycle 4.5). `timeout` counts seconds, 0 is no limit. */
export const removeContainer: AgentHandler<'RemoveContainer'> = async (context, request) => {
  await context.sandbox.removeContainer(
    request.container_id,
    request.timeout > 0 ? request.timeout * 1000 : NO_LIMIT_MS,
  );
  return {};
};
