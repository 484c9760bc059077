import type { AgentHandler } from '../handler.ts';

/** GetOOMEvent (lifecycle 3.3): waits without limit for the next container that ran out of memory. */
export const getOomEvent: AgentHandler<'GetOOMEvent'> = async (context, _request, call) => ({
  container_id: await context.sandbox.oomEvents.take(call.signal, call),
});
