import { processFromProto } from '../../oci/process-from-proto.ts';
import type { AgentHandler } from '../handler.ts';

/** ExecProcess (lifecycle 4.6). Answers when the process is about to execute its program. */
export const execProcess: AgentHandler<'ExecProcess'> = async (context, request, call) => {
  const process = processFromProto(request.process);
  const ports = { stdin: request.stdin_port, stdout: request.stdout_port, stderr: request.stderr_port };
  await context.sandbox.exec(request.container_id, request.exec_id, process, ports, call.signal);
  return {};
};
