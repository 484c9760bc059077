import { MSG_DONTWAIT } from '../../abi/constants.ts';
import { EAGAIN, ECONNRESET } from '../../abi/errno.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { receiveMessage, tryNextLength } from '../../sys/socket.ts';
import type { ReceivedMessage } from '../../sys/socket.ts';
import { sysError } from '../../sys/syscall.ts';
import { maxPacketBytes } from '../plan/handshake.ts';

const end: ReceivedMessage = { bytes: new Uint8Array(0), fds: [], peer: { kind: 'unix' } };

/** The process may end between the look at its packet and this. */
function receive(sync: Fd, maxBytes: number): ReceivedMessage | undefined {
  try {
    return receiveMessage(sync, maxBytes, MSG_DONTWAIT);
  } catch (error) {
    if (!isSysError(error, 'ECONNRESET')) throw error;
    return receiveMessage(sync, maxBytes, MSG_DONTWAIT);
  }
}

/**
 * The next packet of the handshake; undefined when there is none yet. Never waits, whatever the socket does. A process that ends without
 * having read its `start` resets the connection (net/unix/af_unix.c). The kernel says so once and before all else, so what it had to say
 * is read by another try.
 */
export function receivePacket(sync: Fd): ReceivedMessage | undefined {
  let length = tryNextLength(sync);
  if (length === -ECONNRESET) length = tryNextLength(sync);
  if (length === -EAGAIN) return undefined;
  if (length < 0) throw sysError('recvfrom', length, sync.what);
  // A buffer as large as a packet may be would take more time than everything else here.
  return length === 0 ? end : receive(sync, Math.min(length, maxPacketBytes));
}
