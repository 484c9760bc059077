import type { AgentHandler } from '../handler.ts';

/** OnlineCPUMem: brings hot-plugged CPUs and memory into use. */
export const onlineCpuMem: AgentHandler<'OnlineCPUMem'> = async (context, request, call) => {
  await context.guest.onlineCpuMem({ cpuCount: request.nb_cpus, isCpuOnly: request.cpu_only, signal: call.signal });
  return {};
};
