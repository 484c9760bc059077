/** A conversation with the kernel about interfaces, addresses, routes and neighbours: rtnetlink(7). */
import { NETLINK_EXT_ACK, NETLINK_ROUTE, NLM_F_MULTI, SOL_NETLINK } from '../abi/constants.ts';
import { errnoName } from '../abi/errno.ts';
import { SysError } from '../base/sys-error.ts';
import { decodeMessages, decodeStatus, type NetlinkMessage } from '../codec/netlink/message.ts';
import type { Fd } from './fd.ts';
import { openNetlink, receiveMessage, setProtocolOption, trySend } from './socket.ts';
import { sysError } from './syscall.ts';

/** The kernel fills at most this much of one datagram of a dump (NLMSG_GOODSIZE and above, netlink(7)). */
const RECEIVE_BYTES = 64 * 1024;

/**
 * Requests in the network namespace in which it was opened. The kernel works while it takes a request, so an answer is there at
 * once and nothing waits. Not shared between requests that overlap.
 */
export class RouteSocket implements Disposable {
  readonly #fd: Fd;
  #sequence = 0;

  private constructor(fd: Fd) {
    this.#fd = fd;
  }

  /** Throws SysError. */
  static open(): RouteSocket {
    const fd = openNetlink(NETLINK_ROUTE, 0);
    // Words beside the errno; kernels before 4.12 have none.
    setProtocolOption(fd, 'NETLINK_EXT_ACK', SOL_NETLINK, NETLINK_EXT_ACK, 1);
    return new RouteSocket(fd);
  }

  /**
   * Sends what `encode` makes of a sequence number, and gives the messages of the answer, without acknowledgement and end mark.
   * `what` names the request for the SysError of a refusal, to which the kernel's own words are added.
   */
  request(what: string, encode: (sequence: number) => Uint8Array): NetlinkMessage[] {
    this.#sequence += 1;
    const sent = trySend(this.#fd, encode(this.#sequence));
    if (sent < 0) throw sysError('rtnetlink', sent, what);
    const answer: NetlinkMessage[] = [];
    for (;;) {
      const received = receiveMessage(this.#fd, RECEIVE_BYTES);
      if (received === undefined) throw new Error(`rtnetlink ${what}: no answer`);
      for (const message of decodeMessages(received.bytes)) {
        // Of an earlier request that failed half-way, or forged: only the kernel has port 0.
        if (message.sequence !== this.#sequence || received.peer.kind !== 'netlink' || received.peer.port !== 0)
          continue;
        const status = decodeStatus(message);
        if (status !== undefined) {
          if (status.errno === 0) return answer;
          const words = status.text === '' ? '' : ` (${status.text})`;
          throw new SysError('rtnetlink', status.errno, errnoName(status.errno), `${what}${words}`);
        }
        answer.push(message);
        if ((message.flags & NLM_F_MULTI) === 0) return answer;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#fd.close();
  }
}
