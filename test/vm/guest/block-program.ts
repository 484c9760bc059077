/** Runs as PID 1 of a VM with a PCI bridge in slot 2 of the root bus: block devices by PCI path. */
import { neverAborted } from '../../../agent/src/base/abort.ts';
import { describeError } from '../../../agent/src/base/errors.ts';
import { silentLogger } from '../../../agent/src/base/log.ts';
import { bootEarly } from '../../../agent/src/guest/boot/boot-as-init.ts';
import { DeviceWaiters } from '../../../agent/src/guest/device/device-waiters.ts';
import { UeventListener } from '../../../agent/src/guest/device/uevent-listener.ts';
import { waitForVirtioBlock } from '../../../agent/src/guest/device/wait-for-virtio-block.ts';
import { sysKernelFiles } from '../../../agent/src/guest/files/sys-kernel-files.ts';
import { powerOffGuest } from '../../../agent/src/guest/shutdown/power-off.ts';
import { EventLoop } from '../../../agent/src/sys/loop.ts';
import { check, checkFails } from '../../support/engine/checks.ts';

const TIMEOUT_MS = 1000;
/** The host attaches the disk after it saw our line; QEMU and the guest are slow without hardware help. */
const HOTPLUG_TIMEOUT_MS = 30_000;

async function main(): Promise<void> {
  bootEarly(silentLogger);
  const loop = EventLoop.create();
  const waiters = new DeviceWaiters((delayMs, onExpiry) => {
    const timer = loop.setTimer(delayMs, onExpiry);
    return () => timer.cancel();
  });
  new UeventListener(loop, waiters, silentLogger);
  const find = (path: string, timeoutMs = TIMEOUT_MS) =>
    waitForVirtioBlock(sysKernelFiles, waiters, path, timeoutMs, neverAborted);

  const cold = await find('02/03');
  check('a disk that was there at boot is found', cold.node === '/dev/vda', cold.node);
  await checkFails('an empty slot times out', find('02/06'), 'Timeout after 1s waiting for uevent virtio-blk');
  const start = loop.now();
  await checkFails('a missing bridge fails', find('0a/01'), 'no bridge at');
  check('and at once', loop.now() - start < TIMEOUT_MS);
  const hot = find('02/05', HOTPLUG_TIMEOUT_MS);
  check('waiting for the disk in slot 5', true);
  const found = await hot;
  check('a disk that is plugged in later is found', found.node === '/dev/vdb', found.node);
}

main()
  .catch((error: unknown) => check('the program runs to its end', false, describeError(error)))
  .finally(() => {
    check('the program ends', true);
    powerOffGuest();
  });
