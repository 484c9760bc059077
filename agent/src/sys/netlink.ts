/** Conversations with the kernel over netlink. */
import { NLM_F_MULTI, NLMSG_DONE } from '../abi/constants.ts';
import { errnoName } from '../abi/errno.ts';
import { SysError } from '../base/sys-error.ts';
import { decodeMessages, decodeStatus } from '../codec/netlink/message.ts';
import type { NetlinkMessage } from '../codec/netlink/message.ts';
import type { Fd } from './fd.ts';
import { receiveMessage, sendMessage } from './socket.ts';

/** A dump comes in pieces of at most this (NLMSG_GOODSIZE and the kernel's larger pieces for dumps). */
const maxDatagramBytes = 64 * 1024;
/** More answers than any machine has interfaces or addresses: the kernel has lost its mind. */
const maxMessages = 100_000;

/**
 * Sends one request and collects its answers up to the acknowledgement or the end of the dump; a request for one object is
 * answered by it. The kernel answers before the call that sends returns, so nothing is waited for. Throws SysError for a refusal,
 * with the kernel's own words behind `subject`.
 */
export function netlinkRequest(socket: Fd, request: Uint8Array, subject: string): readonly NetlinkMessage[] {
  sendMessage(socket, request);
  const answers: NetlinkMessage[] = [];
  for (;;) {
    const received = receiveMessage(socket, maxDatagramBytes);
    if (received === undefined) throw new SysError('netlink', 11, 'EAGAIN', `${subject}: no answer`);
    for (const message of decodeMessages(received.bytes)) {
      const status = decodeStatus(message);
      if (status !== undefined && status.errno !== 0) {
        const text = status.text === '' ? subject : `${subject} (${status.text})`;
        throw new SysError('netlink', status.errno, errnoName(status.errno), text);
      }
      if (status !== undefined || message.type === NLMSG_DONE) return answers;
      answers.push(message);
      if (answers.length > maxMessages) throw new SysError('netlink', 7, 'E2BIG', subject);
      if ((message.flags & NLM_F_MULTI) === 0) return answers;
    }
  }
}
