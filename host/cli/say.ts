import type { Accelerator } from '../vm/accelerator.ts';

/** One line from kihon itself; standard output belongs to the container. */
export function say(text: string): void {
  process.stderr.write(`kihon: ${text}\n`);
}

/** What executes guest code, and why. */
export function describeAccelerator(accelerator: Accelerator): string {
  return accelerator.kind === 'kvm'
    ? `KVM (${accelerator.reason})`
    : `emulating the CPU with TCG: ${accelerator.reason}`;
}

/** Milliseconds as people read them. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
