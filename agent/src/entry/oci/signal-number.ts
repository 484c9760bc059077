import { UsageError } from './arguments.ts';

/** Signals 1 to 31 in the order of their numbers, the same on all our architectures (signal(7)). */
const names: readonly string[] = [
  ...[
    'HUP',
    'INT',
    'QUIT',
    'ILL',
    'TRAP',
    'ABRT',
    'BUS',
    'FPE',
    'KILL',
    'USR1',
    'SEGV',
    'USR2',
    'PIPE',
    'ALRM',
    'TERM',
  ],
  ...['STKFLT', 'CHLD', 'CONT', 'STOP', 'TSTP', 'TTIN', 'TTOU', 'URG', 'XCPU', 'XFSZ', 'VTALRM', 'PROF', 'WINCH'],
  ...['IO', 'PWR', 'SYS'],
];
const otherNames: ReadonlyMap<string, string> = new Map([
  ['IOT', 'ABRT'],
  ['POLL', 'IO'],
  ['CLD', 'CHLD'],
]);
/** First and last real-time signal as the C library counts them (the kernel's first two are its own). */
const firstRealTime = 34;
const lastRealTime = 64;

function realTime(name: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (match === null) return undefined;
  const offset = Number(match[3] ?? '0') * (match[2] === '-' ? -1 : 1);
  const number = (match[1] === 'MIN' ? firstRealTime : lastRealTime) + offset;
  return number >= firstRealTime && number <= lastRealTime ? number : undefined;
}

/** `KILL`, `SIGKILL`, `sigkill`, `9`, `SIGRTMIN+3`. Throws a UsageError for anything else. */
export function signalNumber(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= lastRealTime) return Number(text);
  const name = text.toUpperCase().replace(/^SIG/, '');
  const index = names.indexOf(otherNames.get(name) ?? name);
  const number = index < 0 ? realTime(name) : index + 1;
  if (number === undefined) throw new UsageError(`unknown signal ${JSON.stringify(text.slice(0, 30))}`);
  return number;
}
