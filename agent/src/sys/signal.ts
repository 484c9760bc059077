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

/** `sigset_t` of the kernel: bit n-1 stands for signal n. In halves, since a BigInt for each signal is an object. */
function signalSet(signals: readonly number[]): Uint8Array {
  let low = 0;
  let high = 0;
  for (const signal of signals) {
    if (signal <= 32) low |= 1 << (signal - 1);
    else high |= 1 << (signal - 33);
  }
  const bits = high === 0 ? low >>> 0 : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return new StructView(8).setU64(0, bits).bytes;
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
  const number = syscall('signalfd4', '', nr.SYS_signalfd4, -1, signalSet(signals), 8, SFD_CLOEXEC | SFD_NONBLOCK);
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
