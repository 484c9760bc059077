import { sync } from '../../sys/statfs.ts';
import { blockUntilReadable } from '../../sys/poll.ts';
import { clone3, exit } from '../../sys/process.ts';
import { powerOff } from '../../sys/system.ts';

/** How long dirty data may take. A hung share must not keep the VM on: LIV-13 wants it off within two seconds. */
const SYNC_DEADLINE_MS = 1000;

/** Flushes file systems in a child, so that one that never answers costs only the deadline. */
function syncWithin(deadlineMs: number): void {
  const child = clone3({ flags: 0 });
  if (child === 'child') {
    try {
      sync();
    } finally {
      exit(0);
    }
  }
  // A pidfd is readable when its process has ended.
  blockUntilReadable(child.pidfd, deadlineMs);
}

/**
 * Ends the VM: sync, then RB_POWER_OFF (contract 2.5). Never returns; when the kernel refuses, PID 1 exits, which panics
 * it and, with `panic=1`, resets the VM. Blocks for at most about a second.
 */
export function powerOffGuest(): never {
  try {
    syncWithin(SYNC_DEADLINE_MS);
  } catch {
    // Out of processes or memory: the power-off matters more.
  }
  try {
    powerOff();
  } finally {
    exit(1);
  }
}
