import { VMADDR_CID_HOST } from '../../abi/constants.ts';
import { AbortController } from '../../base/abort.ts';
import type { Logger } from '../../base/log.ts';
import { describeError } from '../../base/errors.ts';
import { encodeBytes } from '../../base/text.ts';
import { errnoName } from '../../abi/errno.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { readiness, writeFully } from '../../sys/readiness.ts';
import { connectVsock, connectionError } from '../../sys/socket.ts';

/** Tells the host that the API listens: `READY=1` to the vsock port it named on the kernel command line (`kihon.ready=`). */
export function sendReady(loop: EventLoop, log: Logger, port: number): void {
  send(loop, port).catch((error: unknown) => log.warn('ready message', { port, error: describeError(error) }));
}

/** A host that does not answer must not keep a watch for ever. */
const DEADLINE_MS = 10_000;

async function send(loop: EventLoop, port: number): Promise<void> {
  using fd = connectVsock(VMADDR_CID_HOST, port);
  const abort = new AbortController();
  const timer = loop.setTimer(DEADLINE_MS, () => abort.abort());
  await readiness(loop, fd, 'write', abort.signal).finally(() => timer.cancel());
  const errno = connectionError(fd);
  if (errno !== 0) throw new Error(`connect vsock://${VMADDR_CID_HOST}:${port}: ${errnoName(errno)}`);
  await writeFully(loop, fd, encodeBytes('READY=1\n'));
}
