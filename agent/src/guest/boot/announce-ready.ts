import { VMADDR_CID_HOST } from '../../abi/constants.ts';
import { errnoName } from '../../abi/errno.ts';
import type { Logger } from '../../base/log.ts';
import { DomainError, describeError } from '../../base/errors.ts';
import { AbortController } from '../../base/abort.ts';
import { encodeBytes } from '../../base/text.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { readiness, writeFully } from '../../sys/readiness.ts';
import { connectionError, connectVsock } from '../../sys/socket.ts';

/** The whole message; a host that reads lines knows that it is complete. */
const READY_MESSAGE = 'READY=1\n';

/** A host that asked to be told listens already. */
const DEADLINE_MS = 5000;

/**
 * Tells the host that the API listens: connects to its vsock port and writes `READY=1\n`, so that it need not poll (some
 * vsock backends break when they are polled too early). A failure is logged; nothing depends on the message in the guest.
 */
export async function announceReady(loop: EventLoop, port: number, log: Logger): Promise<void> {
  const deadline = new AbortController();
  const timer = loop.setTimer(DEADLINE_MS, () =>
    deadline.abort(new DomainError('deadline_exceeded', `not done after ${DEADLINE_MS} ms`)),
  );
  try {
    using socket = connectVsock(VMADDR_CID_HOST, port);
    await readiness(loop, socket, 'write', deadline.signal);
    const failure = connectionError(socket);
    if (failure !== 0) throw new DomainError('unavailable', `connect ${socket.what}: ${errnoName(failure)}`);
    await writeFully(loop, socket, encodeBytes(READY_MESSAGE), deadline.signal);
  } catch (error) {
    log.warn('cannot tell the host that the agent is ready', { port, error: describeError(error) });
  } finally {
    timer.cancel();
  }
}
