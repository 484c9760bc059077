import type { AgentHandler } from '../handler.ts';

/** ResizeVolume: grows a mounted volume after the host has grown its disk. Kata 4.1.0 answers UNIMPLEMENTED always. */
export const resizeVolume: AgentHandler<'ResizeVolume'> = async (context, request, call) => {
  const machine = await context.guest.machine();
  await machine.resizeVolume(request.volume_guest_path, request.size, call.signal);
  return {};
};
