import { readFileSync } from 'node:fs';

export interface PageFaults {
  /** Of the process itself. */
  readonly own: number;
  /** Of its children that ended and were waited for. */
  readonly children: number;
}

/** Page faults so far that needed no disk: fields 10 and 11 of /proc/PID/stat (proc(5)). */
export function pageFaults(pid: number): PageFaults {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { own: Number(fields[7]), children: Number(fields[8]) };
}
