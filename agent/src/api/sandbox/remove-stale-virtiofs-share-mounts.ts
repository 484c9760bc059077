import type { AgentHandler } from '../handler.ts';

/** RemoveStaleVirtiofsShareMounts (lifecycle 3.5): looks at every mount of the share, so that its server forgets stale entries. */
export const removeStaleVirtiofsShareMounts: AgentHandler<'RemoveStaleVirtiofsShareMounts'> = async (
  context,
  _request,
  call,
) => {
  await context.guest.refreshShareMounts(call.signal);
  return {};
};
