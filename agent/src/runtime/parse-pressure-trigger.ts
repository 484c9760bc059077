import { parseDuration } from '../codec/duration.ts';
import type { PressureTrigger } from '../libcontainer/cgroup/watch-pressure.ts';

const RESOURCES = ['cpu', 'memory', 'io'] as const;
const KINDS = ['some', 'full'] as const;
/** What the kernel takes as a window, in us (Documentation/accounting/psi.rst). */
const MIN_WINDOW_US = 500_000;
const MAX_WINDOW_US = 10_000_000;
const UNITS_US = { us: 1, ms: 1000, s: 1_000_000 };
const MOST_DIGITS = 8;

/** `memory:some:150ms/2s`: 150 ms of stall within 2 s. Undefined for anything else, and for what the kernel would refuse. */
export function parsePressureTrigger(text: string): PressureTrigger | undefined {
  const [first, second, times = '', ...more] = text.split(':');
  const resource = RESOURCES.find((name) => name === first);
  const kind = KINDS.find((name) => name === second);
  const [stallUs, windowUs, ...rest] = times.split('/').map((time) => parseDuration(time, UNITS_US, MOST_DIGITS));
  if (resource === undefined || kind === undefined || stallUs === undefined || windowUs === undefined) return undefined;
  if (more.length > 0 || rest.length > 0 || stallUs === 0 || stallUs > windowUs) return undefined;
  return windowUs < MIN_WINDOW_US || windowUs > MAX_WINDOW_US ? undefined : { resource, kind, stallUs, windowUs };
}
