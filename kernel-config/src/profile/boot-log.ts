/** One line of the kernel's log with its time since the clock began, in milliseconds. */
export interface LogLine {
  readonly timeMs: number;
  readonly text: string;
}

/** One initcall and how long it ran (kernel parameter `initcall_debug`). */
export interface Initcall {
  readonly name: string;
  readonly durationMs: number;
}

/** What a boot log says about time. */
export interface BootProfile {
  /** When the kernel started the first program; undefined when it did not get there. */
  readonly initAtMs: number | undefined;
  readonly initcalls: readonly Initcall[];
  /** Spans without a log line, longest first. */
  readonly gaps: readonly BootGap[];
}

export interface BootGap {
  readonly durationMs: number;
  readonly after: LogLine;
  readonly before: LogLine;
}

const LINE = /^\[ *(\d+)\.(\d{6})\] (.*)$/;
const RETURNED = /^initcall (\w+)\+\S+(?: \[\w+\])? returned -?\d+ after (\d+) usecs$/;

/** Reads `[    0.123456] text` lines; others (firmware, a broken line) are passed over. */
export function parseBootLog(console: string): LogLine[] {
  const lines: LogLine[] = [];
  for (const raw of console.split(/\r?\n/)) {
    const match = LINE.exec(raw);
    if (!match) continue;
    lines.push({ timeMs: Number(match[1]) * 1000 + Number(match[2]) / 1000, text: match[3] ?? '' });
  }
  return lines;
}

/** Finds the initcalls and the longest silences up to the start of the first program. */
export function profileLog(lines: readonly LogLine[]): BootProfile {
  // A log replayed at a panic comes after the panic's own lines.
  const first = Math.max(
    0,
    lines.findLastIndex(({ text }) => text.startsWith('Linux version ')),
  );
  const start = lines.findIndex(({ text }, index) => index >= first && /^Run \S+ as init process$/.test(text));
  const boot = lines.slice(first, start < 0 ? undefined : start + 1);
  const initcalls: Initcall[] = [];
  const gaps: BootGap[] = [];
  boot.forEach((line, index) => {
    const returned = RETURNED.exec(line.text);
    if (returned) initcalls.push({ name: returned[1] ?? '', durationMs: Number(returned[2]) / 1000 });
    const previous = boot[index - 1];
    // The time inside an initcall is told by the initcall.
    if (!previous || previous.text.startsWith('calling ')) return;
    if (line.timeMs > previous.timeMs) {
      gaps.push({ durationMs: line.timeMs - previous.timeMs, after: previous, before: line });
    }
  });
  return {
    initAtMs: lines[start]?.timeMs,
    initcalls: initcalls.sort((a, b) => b.durationMs - a.durationMs),
    gaps: gaps.sort((a, b) => b.durationMs - a.durationMs),
  };
}
