import { VMADDR_CID_HOST } from '../../abi/constants.ts';
import { EAGAIN, EINTR, errnoName } from '../../abi/errno.ts';
import { tryRead } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { connectionError, connectVsock, trySend } from '../../sys/socket.ts';
import type { SpanChannel, SpanChannelEvents } from './span-exporter.ts';

/** Where Kata's trace forwarder listens on the host (boot contract, 6.3). */
export const TRACE_PORT = 10240;

/** A connection to the collector on the host. Throws SysError when there is no vsock. */
export function openSpanChannel(loop: EventLoop, events: SpanChannelEvents): SpanChannel {
  const fd = connectVsock(VMADDR_CID_HOST, TRACE_PORT);
  const scratch = new Uint8Array(512);
  let isConnected = false;
  const close = (): void => {
    watch.close();
    fd.close();
  };
  const fail = (reason: string): void => {
    close();
    events.onGone(reason);
  };
  const watch = loop.watch(fd, 'write', (ready) => {
    if (!isConnected) {
      const errno = connectionError(fd);
      if (errno !== 0) return fail(`connect to port ${TRACE_PORT} of the host: ${errnoName(errno)}`);
      isConnected = true;
    }
    // A collector says nothing; its end can be read.
    if (ready.readable || ready.hangup) {
      const count = tryRead(fd, scratch);
      if (count === 0 || (count < 0 && count !== -EAGAIN && count !== -EINTR)) return fail('it closed the connection');
    }
    if (!ready.writable) return;
    watch.change('read');
    events.onReady();
  });
  return {
    send: (bytes) => {
      const count = trySend(fd, bytes);
      if (count > 0) return count;
      // What is wrong beyond a full buffer shows as a hang-up of the watch.
      watch.change('both');
      return 0;
    },
    close: () => {
      if (fd.isOpen) close();
    },
  };
}
