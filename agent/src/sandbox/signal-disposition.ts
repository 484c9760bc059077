import { readlink, readText, stat } from '../sys/file.ts';

/** Bits of the masks in /proc/[pid]/status that mean "the program has a say" (proc_pid_status(5)). */
const masks: readonly string[] = ['SigBlk:', 'SigIgn:', 'SigCgt:'];

/** What /proc/[pid]/exe says of a program that runs from the agent's sealed copy of itself (launch/self-executable.ts). */
const sealedCopy = '/memfd:kihon-init';

/**
 * True while a child still runs our own code. It blocks every signal, and the kernel drops what is pending when the program takes over as
 * the first process of its pid namespace: a SIGTERM sent in that moment would be lost.
 */
function isBeforeExec(pid: number): boolean {
  const program = `/proc/${pid}/exe`;
  const own = stat('/proc/self/exe');
  // The program lies on the container's root, maybe on a share whose server hangs; numbers never change, so none is asked.
  const its = stat(program, { isCached: true });
  const isSameFile = own.ino === its.ino && own.devMajor === its.devMajor && own.devMinor === its.devMinor;
  return isSameFile || readlink(program).startsWith(sealedCopy);
}

/**
 * True when the process blocks, ignores or catches the signal. A process that cannot be looked at counts as not handling it.
 * The pid is that of a child not yet reaped, so it cannot have been reused.
 */
export function handlesSignal(pid: number, signal: number): boolean {
  let text: string;
  try {
    if (isBeforeExec(pid)) return false;
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
