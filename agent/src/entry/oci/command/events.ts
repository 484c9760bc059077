import { parseDuration } from '../../../codec/duration.ts';
import type { PressureTrigger } from '../../../libcontainer/cgroup/watch-pressure.ts';
import { parsePressureTrigger } from '../../../runtime/parse-pressure-trigger.ts';
import { readStats, watchEvents } from '../../../runtime/watch-events.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../arguments.ts';
import { containerIdOf } from '../command.ts';
import { print } from '../output.ts';

/** Of Go's durations the plain ones: `5s`, `500ms`, `1m`. */
const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const MOST_DIGITS = 9;

function interval(text: string): number {
  const ms = parseDuration(text, UNITS_MS, MOST_DIGITS) ?? 0;
  if (ms === 0) throw new UsageError(`--interval: ${JSON.stringify(text.slice(0, 50))} is no duration such as 5s`);
  return ms;
}

function trigger(text: string): PressureTrigger {
  const parsed = parsePressureTrigger(text);
  if (parsed !== undefined) return parsed;
  throw new UsageError(
    `--pressure: ${JSON.stringify(text.slice(0, 80))} is no trigger such as memory:some:150ms/2s (a window has 500ms to 10s)`,
  );
}

export const command: Command = {
  usage: '[options] CONTAINER-ID',
  about: [
    'Prints the counters of a container at every interval, and each out-of-memory event, one JSON object a line.',
    'With --pressure also, at most once a window, that the container was held up for longer than the trigger says.',
  ],
  options: [
    { name: 'interval', kind: 'text', value: 'DURATION', about: 'time between two lines of counters (5s)' },
    { name: 'pressure', kind: 'list', value: 'cpu|memory|io:some|full:STALL/WINDOW', about: 'watch for pressure' },
    { name: 'stats', kind: 'flag', about: 'print the counters once and end' },
  ],
  operands: { least: 1, most: 1 },
  run: async (invocation) => {
    const { options, global } = invocation;
    const request = {
      root: global.root,
      log: global.log,
      id: containerIdOf(invocation),
      intervalMs: interval(options.text('interval') ?? '5s'),
      triggers: options.list('pressure').map(trigger),
      onLine: (line: string) => print(`${line}\n`),
    };
    if (options.has('stats')) readStats(request);
    else await watchEvents(request);
    return 0;
  },
};
