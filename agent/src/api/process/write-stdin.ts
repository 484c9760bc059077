import type { AgentHandler } from '../handler.ts';

/** WriteStdin (lifecycle 5.3): settles when the process's pipe or terminal took every byte. No bytes: the end of the input. */
export const writeStdin: AgentHandler<'WriteStdin'> = async (context, request, call) => {
  const process = context.sandbox.container(request.container_id).process(request.exec_id);
  if (request.data.length === 0) process.stdin.end();
  else await process.stdin.write(request.data, call.signal);
  return { len: request.data.length };
};
