import { NETLINK_KOBJECT_UEVENT } from '../../abi/constants.ts';
import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isSysError } from '../../base/sys-error.ts';
import { decodeUevent, MAX_UEVENT_BYTES } from '../../codec/uevent.ts';
import type { Fd } from '../../sys/fd.ts';
import type { EventLoop, Watch } from '../../sys/loop.ts';
import { openNetlink, receiveMessage, type ReceivedMessage } from '../../sys/socket.ts';
import type { DeviceWaiters } from './device-waiters.ts';

/** The multicast group that the kernel itself sends to; group 2 is udev's. */
const KERNEL_GROUP = 1;

/** Events read in one turn of the loop: a burst must not keep requests waiting. */
const EVENTS_PER_TURN = 64;

/** Any read longer than the kernel's own buffer is not an event of the kernel. */
const READ_BYTES = MAX_UEVENT_BYTES + 1;

/** Rest after an unexpected failure of the socket, so that it cannot spin the loop. */
const PAUSE_MS = 100;

/**
 * Hears of devices from the kernel and makes the waiters look again. Events are hints only: those of other senders than the
 * kernel (port other than 0) are dropped, and what an event says is never believed, because a privileged workload can have
 * the kernel send one (LIV-08). Lost events (ENOBUFS) count as a hint too.
 */
export class UeventListener {
  readonly #loop: EventLoop;
  readonly #waiters: DeviceWaiters;
  readonly #log: Logger;
  readonly #socket: Fd;
  readonly #watch: Watch;

  /** @param log limited in rate by the caller: a workload can provoke events. Throws SysError without the socket. */
  constructor(loop: EventLoop, waiters: DeviceWaiters, log: Logger) {
    this.#loop = loop;
    this.#waiters = waiters;
    this.#log = log;
    this.#socket = openNetlink(NETLINK_KOBJECT_UEVENT, KERNEL_GROUP);
    this.#watch = loop.watch(this.#socket, 'read', () => this.#onReadable());
  }

  close(): void {
    this.#watch.close();
    this.#socket.close();
  }

  #onReadable(): void {
    let isHint = false;
    for (let count = 0; count < EVENTS_PER_TURN; count++) {
      const outcome = this.#readOne();
      if (outcome === 'empty') break;
      isHint ||= outcome === 'hint';
    }
    if (isHint) this.#waiters.rescan();
  }

  #readOne(): 'empty' | 'hint' | 'other' {
    let message: ReceivedMessage | undefined;
    try {
      message = receiveMessage(this.#socket, READ_BYTES);
    } catch (error) {
      if (isSysError(error, 'ENOBUFS')) {
        this.#log.warn('uevents were lost; looking at sysfs again');
        return 'hint';
      }
      // An event that is too long is consumed all the same; anything else would come back at once.
      if (!isSysError(error)) return 'other';
      this.#log.error('cannot read uevents', { error: describeError(error) });
      this.#watch.change('none');
      this.#loop.setTimer(PAUSE_MS, () => {
        if (this.#socket.isOpen) this.#watch.change('read');
      });
      return 'empty';
    }
    if (message === undefined) return 'empty';
    if (!this.#waiters.isNeeded || message.peer.kind !== 'netlink' || message.peer.port !== 0) return 'other';
    const event = decodeUevent(message.bytes);
    return event !== undefined && event.action !== 'remove' ? 'hint' : 'other';
  }
}
