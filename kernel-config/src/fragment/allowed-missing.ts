import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ARCHITECTURES } from '../architecture.ts';
import { FragmentError } from './parse-fragment.ts';

/** The list in the repository. */
export const ALLOWED_MISSING_FILE = join(import.meta.dirname, '..', '..', 'allowed-missing.conf');

/** A request that may be lost, where, and why. */
export interface AllowedMissing {
  readonly symbol: string;
  /** First series that has it (`before`): older ones may miss it. */
  readonly before: Series | undefined;
  /** First series that does not have it any more. */
  readonly since: Series | undefined;
  /** Only on these architectures; empty for all. */
  readonly architectures: readonly string[];
  readonly reason: string;
}

/** A kernel series such as 6.12, as numbers. */
export type Series = readonly [major: number, minor: number];

/** Reads `6.12` and what begins with it (`6.12.117`); undefined for anything else. */
export function parseSeries(text: string): Series | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})(?:[.-]|$)/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/**
 * Reads the list: a line is `SYMBOL [before X.Y] [since X.Y] [on ARCH,ARCH]: reason`; `#` begins a comment line.
 *
 * @throws {FragmentError} naming the line.
 */
export function parseAllowedMissing(text: string): AllowedMissing[] {
  const rules: AllowedMissing[] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const where = `allowed-missing.conf, line ${index + 1}`;
    const colon = line.indexOf(':');
    const reason = line.slice(colon + 1).trim();
    if (colon < 0 || reason === '') throw new FragmentError(`${where}: no reason after a colon`);
    const [symbol = '', ...words] = line.slice(0, colon).trim().split(/\s+/);
    if (!/^[A-Za-z0-9_]+$/.test(symbol)) throw new FragmentError(`${where}: "${symbol}" is no symbol`);
    let before: Series | undefined;
    let since: Series | undefined;
    let architectures: string[] = [];
    for (let position = 0; position < words.length; position += 2) {
      const argument = words[position + 1] ?? '';
      switch (words[position]) {
        case 'before':
          before = series(argument, where);
          break;
        case 'since':
          since = series(argument, where);
          break;
        case 'on':
          architectures = argument.split(',');
          for (const name of architectures) {
            if (!ARCHITECTURES.some((known) => known.name === name))
              throw new FragmentError(`${where}: "${name}" is no architecture`);
          }
          break;
        default:
          throw new FragmentError(`${where}: "${words[position] ?? ''}" is neither before, since nor on`);
      }
    }
    rules.push({ symbol, before, since, architectures, reason });
  });
  return rules;
}

/** Reads the repository's list. */
export async function loadAllowedMissing(file = ALLOWED_MISSING_FILE): Promise<AllowedMissing[]> {
  return parseAllowedMissing(await readFile(file, 'utf8'));
}

/** The reason why `symbol` may be missing from a kernel of this version on this architecture; undefined when it may not. */
export function whyAllowedMissing(
  rules: readonly AllowedMissing[],
  symbol: string,
  version: string,
  architecture: string,
): string | undefined {
  const current = parseSeries(version);
  return rules.find(
    (rule) =>
      rule.symbol === symbol &&
      (rule.architectures.length === 0 || rule.architectures.includes(architecture)) &&
      (current === undefined ||
        ((rule.before === undefined || isBefore(current, rule.before)) &&
          (rule.since === undefined || !isBefore(current, rule.since)))),
  )?.reason;
}

function series(text: string, where: string): Series {
  const parsed = parseSeries(text);
  if (!parsed) throw new FragmentError(`${where}: "${text}" is no kernel series such as 6.12`);
  return parsed;
}

/** Whether series `a` is older than `b`. */
export function isBefore(a: Series, b: Series): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}
