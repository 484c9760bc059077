import type { AgentHandler } from '../handler.ts';

/** CloseStdin: again is fine. */
export const closeStdin: AgentHandler<'CloseStdin'> = (context, request) => {
  context.sandbox.container(request.container_id).process(request.exec_id).stdin.end();
  return {};
};
