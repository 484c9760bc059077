import type { AgentHandler } from '../handler.ts';

/** AddSwap (contract storage, 9.3): the disk at these PCI slots, which the host prepared. */
export const addSwap: AgentHandler<'AddSwap'> = async (context, request, call) => {
  const machine = await context.guest.machine();
  await machine.addSwap(request.PCIPath, call.signal);
  return {};
};

/** AddSwapPath: a device or file by its path. */
export const addSwapPath: AgentHandler<'AddSwapPath'> = async (context, request) => {
  const machine = await context.guest.machine();
  await machine.addSwapPath(request.path);
  return {};
};
