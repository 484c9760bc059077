/** Runs as PID 1 of a VM, whose clock is nobody else's: setting it and letting it run faster. */
import { CLOCK_MONOTONIC_RAW, CLOCK_TAI } from '../../../agent/src/abi/constants.ts';
import { neverAborted } from '../../../agent/src/base/abort.ts';
import { describeError } from '../../../agent/src/base/errors.ts';
import { silentLogger } from '../../../agent/src/base/log.ts';
import { bootEarly } from '../../../agent/src/guest/boot/boot-as-init.ts';
import { findReference } from '../../../agent/src/guest/clock/find-reference.ts';
import { sysKernelFiles } from '../../../agent/src/guest/files/sys-kernel-files.ts';
import { powerOffGuest } from '../../../agent/src/guest/shutdown/power-off.ts';
import {
  compareWithClock,
  compareWithDevice,
  slewWallClock,
  stepWallClock,
} from '../../../agent/src/sys/adjust-clock.ts';
import { open } from '../../../agent/src/sys/file.ts';
import { EventLoop } from '../../../agent/src/sys/loop.ts';
import { sleep } from '../../../agent/src/sys/readiness.ts';
import { check, checkThrows } from '../../support/engine/checks.ts';

/** How long a rate is looked at. */
const WATCH_MS = 3000;
const MS = 1_000_000n;

/** How far the wall clock is ahead of one that nobody adjusts, in ns; of several readings the quickest. */
function ahead(): bigint {
  const readings = Array.from({ length: 20 }, () => compareWithClock(CLOCK_MONOTONIC_RAW));
  readings.sort((a, b) => Number(a.delayNs - b.delayNs));
  return -(readings[0]?.offsetNs ?? 0n);
}

async function rateOf(loop: EventLoop, frequencyPpb: number): Promise<number> {
  slewWallClock(frequencyPpb);
  const [aheadBefore, startMs] = [ahead(), loop.now()];
  await sleep(loop, WATCH_MS, neverAborted);
  return (Number(ahead() - aheadBefore) / (loop.now() - startMs)) * 1000;
}

async function main(): Promise<void> {
  bootEarly(silentLogger);
  const loop = EventLoop.create();
  check('International Atomic Time is near the wall clock', compareWithClock(CLOCK_TAI).offsetNs < 60_000n * MS);

  for (const step of [5_250n * MS, -7_750n * MS, -1n * MS, 1_000_000_000_000n * MS, -1_000_000_000_000n * MS]) {
    const before = ahead();
    stepWallClock(step);
    const moved = ahead() - before;
    const error = moved - step;
    check(`a step by ${step} ns moves the clock by that`, error < 100n * MS && error > -100n * MS, String(moved));
  }
  checkThrows('a step before 1970 fails', () => stepWallClock(-(2n ** 62n)), 'EINVAL');

  const none = await rateOf(loop, 0);
  for (const wanted of [400_000, -400_000]) {
    const rate = (await rateOf(loop, wanted)) - none;
    check(`the clock runs faster by ${wanted} ppb`, Math.abs(rate - wanted) < 50_000, String(rate));
  }

  const path = findReference(sysKernelFiles);
  if (path === undefined) {
    check('without hardware help there is no clock of the host', true);
  } else {
    using device = open(path, 0);
    const { delayNs } = compareWithDevice(device);
    check('the clock of the host can be read', delayNs >= 0n && delayNs < 1000n * MS, String(delayNs));
  }
}

main()
  .catch((error: unknown) => check('the program runs to its end', false, describeError(error)))
  .finally(() => {
    check('the program ends', true);
    powerOffGuest();
  });
