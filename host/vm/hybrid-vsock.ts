import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { HostError } from './host-error.ts';
import { HybridStream } from './hybrid-stream.ts';
import { openWithin, type DialOptions } from './stream-dial.ts';

/** Longest answer to CONNECT that is believed, in bytes; `OK 1073741824\n` has 14. */
const MAX_ANSWER_BYTES = 128;

/**
 * Connects to a port of the guest through a hybrid vsock: a Unix socket that takes `CONNECT <port>\n`, answers with a
 * line that contains OK, and is then a plain stream (Firecracker's vsock documentation). Bytes that arrive together
 * with the answer are kept for the reader.
 *
 * @throws HostError when nothing listens there, the answer is something else, or time is up; the signal's reason
 */
export async function dialHybridVsock(path: string, port: number, options: DialOptions): Promise<Duplex> {
  options.signal?.throwIfAborted();
  const socket = connect(path);
  const stream = new HybridStream(socket);
  const what = `vsock port ${port} through ${path}`;
  let answer = Buffer.alloc(0);
  let onReadable: () => void = () => undefined;
  let onEnd: () => void = () => undefined;
  try {
    return await openWithin(stream, what, options, (succeed, fail) => {
      // Not 'data': that would leave the socket flowing before its bytes have somewhere to go.
      onReadable = () => {
        const chunk = socket.read() as Buffer | null;
        if (chunk === null) return;
        answer = Buffer.concat([answer, chunk]);
        const end = answer.indexOf(0x0a);
        if (end < 0 && answer.length <= MAX_ANSWER_BYTES) return;
        socket.off('readable', onReadable);
        stream.answered(answer.subarray(end + 1));
        const line = answer.toString('latin1', 0, end);
        if (end < 0) fail(new HostError(`${what}: the answer to CONNECT has no end`));
        else if (end > MAX_ANSWER_BYTES || !line.includes('OK')) {
          fail(new HostError(`${what}: CONNECT was answered with ${JSON.stringify(line.slice(0, MAX_ANSWER_BYTES))}`));
        } else succeed();
      };
      onEnd = () => fail(new HostError(`${what}: refused`));
      socket.on('readable', onReadable);
      socket.once('end', onEnd);
      socket.once('close', onEnd);
      socket.write(`CONNECT ${port}\n`);
    });
  } finally {
    socket.off('readable', onReadable);
    socket.off('end', onEnd);
    socket.off('close', onEnd);
  }
}
