import type { AgentHandler } from '../handler.ts';

/** SetGuestDateTime (boot contract, section 9): sets the wall clock. The agent's own timers stay on the monotonic clock. */
export const setGuestDateTime: AgentHandler<'SetGuestDateTime'> = async (context, request) => {
  const machine = await context.guest.machine();
  machine.setDateTime(request.Sec, request.Usec);
  return {};
};
