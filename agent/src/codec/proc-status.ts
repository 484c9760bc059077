/** Signal sets of a process. */
export interface SignalSets {
  readonly blocked: bigint;
  readonly ignored: bigint;
  readonly caught: bigint;
}

/** Value of a line of `/proc/[pid]/status` (`Key:\tvalue`), trimmed; undefined when there is no such line. The process name, which it chooses itself, is escaped there. */
export function statusValue(text: string, key: string): string | undefined {
  for (const line of text.split('\n')) {
    if (line.startsWith(key) && line.charAt(key.length) === ':') return line.slice(key.length + 1).trim();
  }
  return undefined;
}

/** A signal mask of 16 hex digits; undefined for any other text. Bit n-1 is signal n. */
export function parseSignalMask(text: string): bigint | undefined {
  return /^[0-9a-f]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** SigBlk, SigIgn and SigCgt of `/proc/[pid]/status` (proc_pid_status(5)); undefined when one is missing or bad. */
export function parseSignalSets(text: string): SignalSets | undefined {
  const blocked = parseSignalMask(statusValue(text, 'SigBlk') ?? '');
  const ignored = parseSignalMask(statusValue(text, 'SigIgn') ?? '');
  const caught = parseSignalMask(statusValue(text, 'SigCgt') ?? '');
  if (blocked === undefined || ignored === undefined || caught === undefined) return undefined;
  return { blocked, ignored, caught };
}

/** True when `set` holds signal `signal` (1-64). */
export function hasSignal(set: bigint, signal: number): boolean {
  return ((set >> BigInt(signal - 1)) & 1n) === 1n;
}
