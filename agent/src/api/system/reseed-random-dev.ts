import type { AgentHandler } from '../handler.ts';

/** ReseedRandomDev (boot contract, section 9): randomness from the host, so that VMs from one template differ. */
export const reseedRandomDev: AgentHandler<'ReseedRandomDev'> = async (context, request) => {
  const machine = await context.guest.machine();
  await machine.reseedRandom(request.data);
  return {};
};
