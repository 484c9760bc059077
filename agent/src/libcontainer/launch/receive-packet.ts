import { isSysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { receiveMessage } from '../../sys/socket.ts';
import type { ReceivedMessage } from '../../sys/socket.ts';
import { maxPacketBytes } from '../plan/handshake.ts';

/**
 * The next packet of the handshake; undefined when there is none yet. A process that ends without having read its `start` resets the
 * connection (net/unix/af_unix.c). The kernel says so once and before all else, so what it had to say is read by another try.
 */
export function receivePacket(sync: Fd): ReceivedMessage | undefined {
  try {
    return receiveMessage(sync, maxPacketBytes);
  } catch (error) {
    if (!isSysError(error, 'ECONNRESET')) throw error;
    return receiveMessage(sync, maxPacketBytes);
  }
}
