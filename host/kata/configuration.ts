import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { HostError } from '../vm/host-error.ts';

/** A TOML table. */
export type Table = { readonly [key: string]: unknown };

/** Kata's configuration as its runtime sees it. */
export interface KataConfiguration {
  /** The main file; links followed, as Kata does before it looks for drop-ins. */
  readonly file: string;
  /** Files of `config.d` beside it, in the order in which they count. */
  readonly dropIns: readonly string[];
  readonly values: Table;
}

/** Where Kata looks, first to last; the last is the place of its release archive. */
export const LOOKUP = [
  '/etc/kata-containers/configuration.toml',
  '/usr/share/defaults/kata-containers/configuration.toml',
  '/opt/kata/share/defaults/kata-containers/configuration.toml',
] as const;

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** `over` on top of `under`: tables are merged, everything else is replaced. */
export function mergeTables(under: Table, over: Table): Table {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = Object.hasOwn(under, key) ? under[key] : undefined;
    merged[key] = isTable(value) && isTable(before) ? mergeTables(before, value) : value;
  }
  return merged;
}

function readTable(path: string): Table {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof TomlError) {
      const what = error.message.split('\n')[0] ?? 'not TOML';
      throw new HostError(`${path}:${error.line}:${error.column}: ${what}`);
    }
    throw new HostError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The configuration that Kata uses when nobody names one. Throws HostError with the places that were looked at. */
export function findConfiguration(places: readonly string[] = LOOKUP): string {
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new HostError(`no configuration of Kata Containers: ${places.join(', ')}`, {
    hint: 'kihon check --kata FILE names one',
  });
}

/** Reads a configuration with its drop-ins. Throws HostError naming the file that cannot be read. */
export function readConfiguration(path: string): KataConfiguration {
  const file = existsSync(path) ? realpathSync(path) : path;
  const folder = join(dirname(file), 'config.d');
  const dropIns = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.toml'))
        .sort()
        .map((name) => join(folder, name))
    : [];
  const values = dropIns.reduce<Table>((merged, next) => mergeTables(merged, readTable(next)), readTable(file));
  return { file, dropIns, values };
}
