import { assertNever } from '../../base/assert-never.ts';
import type { ServerAddress } from '../../guest/config/server-address.ts';
import type { Fd } from '../../sys/fd.ts';
import { listenUnix, listenVsock } from '../../sys/socket.ts';

/** Listens on the API's address. */
export function openListener(address: ServerAddress): Fd {
  switch (address.kind) {
    case 'vsock':
      return listenVsock(address.cid, address.port);
    case 'unix':
      return listenUnix(address.path);
    case 'abstract':
      return listenUnix(`@${address.name}`);
    default:
      return assertNever(address);
  }
}
