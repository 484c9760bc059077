import type { Logger } from '../../base/log.ts';
import { DeviceWaiters } from '../../guest/device/device-waiters.ts';
import { UeventListener } from '../../guest/device/uevent-listener.ts';
import { waitForVirtioBlock } from '../../guest/device/wait-for-virtio-block.ts';
import { limitRate } from '../../guest/log/rate-limit.ts';
import { sysKernelFiles } from '../../guest/files/sys-kernel-files.ts';
import type { StorageContext } from '../../guest/storage/storage.ts';
import type { EventLoop } from '../../sys/loop.ts';

/**
 * Whoever waits for devices, with the kernel's events as hints. The socket is opened when the first device is asked for: sysfs is
 * looked at before any wait, so no earlier event is missed.
 */
export function createDeviceWaiters(loop: EventLoop, log: Logger): () => DeviceWaiters {
  const waiters = new DeviceWaiters((delayMs, onExpiry) => {
    const timer = loop.setTimer(delayMs, onExpiry);
    return () => timer.cancel();
  });
  let listener: UeventListener | undefined;
  return () => {
    // A workload can provoke events.
    listener ??= new UeventListener(
      loop,
      waiters,
      limitRate(log.child('uevent'), () => loop.now()),
    );
    return waiters;
  };
}

/** Waits for block devices by PCI path. */
export function createBlockDeviceWaiter(
  waiters: () => DeviceWaiters,
  timeoutMs: number,
): StorageContext['waitForBlockDevice'] {
  return async (pciPath, signal) => waitForVirtioBlock(sysKernelFiles, waiters(), pciPath, timeoutMs, signal);
}
