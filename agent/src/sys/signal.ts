/** Signals as events: all are blocked from the start (agent/engine/main.c) and read from a signalfd. */
import { SFD_CLOEXEC, SFD_NONBLOCK } from '../abi/constants.ts';
import { EAGAIN } from '../abi/errno.ts';
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { Fd } from './fd.ts';
import { tryRead } from './file.ts';
import type { EventLoop } from './loop.ts';
import { syscall, sysError } from './syscall.ts';

export interface ReceivedSignal {
  readonly signal: number;
  /** Sender, 0 when it lies in another pid namespace. */
  readonly pid: number;
}

/**
 * Calls `onSignal` for each of the given signals. Equal signals that arrive together may be reported once.
 * Returns the function that stops it.
 */
export function watchSignals(
  loop: EventLoop,
  signals: readonly number[],
  onSignal: (received: ReceivedSignal) => void,
): () => void {
  const mask = signals.reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n);
  const maskBytes = new StructView(8).setU64(0, mask).bytes;
  const number = syscall('signalfd4', '', nr.SYS_signalfd4, -1, maskBytes, 8, SFD_CLOEXEC | SFD_NONBLOCK);
  const fd = new Fd(number, 'signalfd');
  const at = layouts.signalfd_siginfo;
  const info = new StructView(at.sizeof);
  const watch = loop.watch(fd, 'read', () => {
    for (;;) {
      const count = tryRead(fd, info.bytes);
      if (count === -EAGAIN) return;
      if (count !== at.sizeof) throw sysError('read', count, 'signalfd');
      onSignal({ signal: info.u32(at.ssi_signo), pid: info.u32(at.ssi_pid) });
      if (!fd.isOpen) return;
    }
  });
  return () => {
    watch.close();
    fd.close();
  };
}
