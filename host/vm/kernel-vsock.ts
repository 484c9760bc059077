import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { HostError } from './host-error.ts';
import { openWithin, type DialOptions } from './stream-dial.ts';

/** Node has no AF_VSOCK; socat carries the bytes between a pair of pipes and the vsock. */
function socatStream(socatPath: string, args: readonly string[], onMessage: (text: string) => void): Duplex {
  const child = spawn(socatPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stderr.setEncoding('utf8').on('data', onMessage);
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  child.once('error', (error) => stream.destroy(error));
  stream.once('close', () => child.kill('SIGKILL'));
  return stream;
}

/**
 * Connects to a guest port over the host kernel's vsock.
 *
 * @throws HostError when the guest refuses or time is up
 */
export async function dialKernelVsock(
  socatPath: string,
  cid: number,
  port: number,
  options: DialOptions,
): Promise<Duplex> {
  const what = `vsock ${cid}:${port}`;
  let connected: () => void = () => undefined;
  let refused: (error: Error) => void = () => undefined;
  let messages = '';
  // Two -d: socat then says when the connection is there.
  const stream = socatStream(socatPath, ['-d', '-d', '-', `VSOCK-CONNECT:${cid}:${port}`], (text) => {
    messages = (messages + text).slice(-2048);
    if (messages.includes('starting data transfer loop')) connected();
    else if (/\bE (?:connect|socket)/.test(messages)) refused(new HostError(`${what}: refused`));
  });
  stream.once('close', () => refused(new HostError(`${what}: socat ended`)));
  return await openWithin(stream, what, options, (succeed, fail) => {
    connected = succeed;
    refused = fail;
  });
}
