import type { Services } from '../../../../proto/gen/services.js';
import type { SandboxProcess } from '../../sandbox/sandbox-process.ts';
import type { ProcessOutput } from '../../sandbox/process-streams.ts';
import type { AgentHandler, ApiContext, Call } from '../handler.ts';

type ReadRequest = Services['grpc.AgentService']['ReadStdout']['request'];

/** Size of one write to the connection (connection.ts), and what a read's answer adds to its data: 20 bytes of frame and envelope. */
const PIECE_BYTES = 16 << 10;
const OVERHEAD_BYTES = 20;

/** A little less than a host asks for, so that the answer leaves in whole pieces instead of with a tail of 20 bytes. */
function fitted(length: number): number {
  const pieces = Math.floor(length / PIECE_BYTES);
  return pieces === 0 ? length : pieces * PIECE_BYTES - OVERHEAD_BYTES;
}

/** Bytes are taken from the process only while the answer can be queued; empty data is the end of the stream (lifecycle 5.3). */
function readStream(
  context: ApiContext,
  request: ReadRequest,
  call: Call,
  streamOf: (process: SandboxProcess) => ProcessOutput,
): Promise<{ data: Uint8Array }> | { data: Uint8Array } {
  const process = context.sandbox.container(request.container_id).process(request.exec_id);
  const bytes = streamOf(process).read(fitted(request.len), call);
  return bytes instanceof Promise ? bytes.then((data) => ({ data })) : { data: bytes };
}

/** ReadStdout. */
export const readStdout: AgentHandler<'ReadStdout'> = (context, request, call) =>
  readStream(context, request, call, (process) => process.stdout);

/** ReadStderr; with a terminal the same stream as stdout. */
export const readStderr: AgentHandler<'ReadStderr'> = (context, request, call) =>
  readStream(context, request, call, (process) => process.stderr);
