import type { AgentHandler } from '../handler.ts';

/** MemHotplugByProbe (contract storage, 9.2). */
export const memHotplugByProbe: AgentHandler<'MemHotplugByProbe'> = async (context, request) => {
  const machine = await context.guest.machine();
  await machine.probeMemory(request.memHotplugProbeAddr);
  return {};
};
