import { readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks between boot and start (proc(5)). */
  readonly startTime: string;
}

/** Parses field 22 out of /proc/PID/stat. The name in field 2 may hold blanks and parentheses, so count after the last one. */
export function parseStartTime(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[19];
}

/** Identity of a process that exists now, else undefined. A zombie counts as gone: nobody will ever hear from it. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const state = stat.charAt(stat.lastIndexOf(')') + 2);
  const startTime = parseStartTime(stat);
  return startTime === undefined || state === 'Z' || state === 'X' ? undefined : { pid, startTime };
}

/** True while exactly this process is alive. */
export function isProcessAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startTime === identity.startTime;
}

/** Sends a signal to exactly this process. False when it is gone already. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isProcessAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}
