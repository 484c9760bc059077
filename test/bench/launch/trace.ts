/** One system call, or the end of a process, in the output of `strace -f -ttt`. */
export interface TraceLine {
  readonly pid: number;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly text: string;
  /** False for the second half of an interrupted line, and for what is no call. */
  readonly isCall: boolean;
}

/** Lines of a trace in the order of their times; what is not understood is left out. */
export function parseTrace(text: string): TraceLine[] {
  const lines: TraceLine[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\d+)\s+(\d+\.\d+) (.*)$/.exec(line);
    if (match === null) continue;
    const [, pid, time, rest = ''] = match;
    lines.push({ pid: Number(pid), time: Number(time), text: rest, isCall: /^\w+\(/.test(rest) });
  }
  return lines.sort((a, b) => a.time - b.time);
}
