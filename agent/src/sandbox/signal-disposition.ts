import { readText } from '../sys/file.ts';

/** Bits of the masks in /proc/[pid]/status that mean "the program has a say" (proc_pid_status(5)). */
const masks: readonly string[] = ['SigBlk:', 'SigIgn:', 'SigCgt:'];

/**
 * True when the process blocks, ignores or catches the signal. A process that cannot be looked at counts as not handling it.
 * The pid is that of a child not yet reaped, so it cannot have been reused.
 */
export function handlesSignal(pid: number, signal: number): boolean {
  let text: string;
  try {
    text = readText(`/proc/${pid}/status`);
  } catch {
    return false;
  }
  const bit = 1n << BigInt(signal - 1);
  return text
    .split('\n')
    .filter((line) => masks.includes(line.slice(0, 7)))
    .some((line) => (BigInt(`0x${line.slice(7).trim()}`) & bit) !== 0n);
}
