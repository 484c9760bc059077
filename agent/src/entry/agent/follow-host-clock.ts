import { O_RDONLY } from '../../abi/constants.ts';
import type { Logger } from '../../base/log.ts';
import { findReference } from '../../guest/clock/find-reference.ts';
import { followReference } from '../../guest/clock/follow-reference.ts';
import { sysKernelFiles } from '../../guest/files/sys-kernel-files.ts';
import { compareWithDevice, slewWallClock, stepWallClock } from '../../sys/adjust-clock.ts';
import { open } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';

/** Keeps the guest's wall clock with the host's, where the hypervisor shows it as a PTP device. */
export function followHostClock(loop: EventLoop, parent: Logger): void {
  const log = parent.child('clock');
  const path = findReference(sysKernelFiles);
  if (path === undefined) {
    log.warn('kihon.ptp is set, and the hypervisor shows no clock');
    return;
  }
  // Open for the life of the guest.
  const device = open(path, O_RDONLY);
  log.info('the clock follows the host', { device: path });
  followReference({
    compare: () => compareWithDevice(device),
    step: stepWallClock,
    slew: slewWallClock,
    setTimer: (delayMs, onExpiry) => void loop.setTimer(delayMs, onExpiry),
    log,
  });
}
