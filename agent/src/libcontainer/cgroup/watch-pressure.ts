import { O_NONBLOCK, O_RDWR } from '../../abi/constants.ts';
import { encodeBytes } from '../../base/text.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, write } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';

/** A trigger (Documentation/accounting/psi.rst): `stallUs` of stall within a window of `windowUs`, both in microseconds. */
export interface PressureTrigger {
  readonly resource: 'cpu' | 'memory' | 'io';
  /** `some`: at least one task is held up; `full`: all are. */
  readonly kind: 'some' | 'full';
  readonly stallUs: number;
  /** 500,000 to 10,000,000; without CAP_SYS_RESOURCE a multiple of two seconds. */
  readonly windowUs: number;
}

/**
 * Calls `onPressure` at most once a window while the pressure of a cgroup is beyond the trigger (Linux 5.2; CONFIG_PSI). Returns
 * the function that ends it. Throws SysError when the kernel keeps no pressure or refuses the trigger.
 */
export function watchPressure(
  loop: EventLoop,
  directory: Fd,
  trigger: PressureTrigger,
  onPressure: () => void,
): () => void {
  const file = open(`${trigger.resource}.pressure`, O_RDWR | O_NONBLOCK, 0, directory);
  const text = `${trigger.kind} ${trigger.stallUs} ${trigger.windowUs}\0`;
  const fd = file.prepared(() => write(file, encodeBytes(text)));
  const watch = loop.watch(fd, 'priority', (ready) => {
    // The trigger dies with its cgroup.
    if (ready.hangup) stop();
    else onPressure();
  });
  const stop = (): void => {
    watch.close();
    fd.close();
  };
  return stop;
}
