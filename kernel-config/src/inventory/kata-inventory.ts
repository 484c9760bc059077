import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ARCHITECTURES } from '../architecture.ts';
import type { AllowedMissing } from '../fragment/allowed-missing.ts';
import { whyAllowedMissing } from '../fragment/allowed-missing.ts';
import { FragmentError } from '../fragment/parse-fragment.ts';
import type { DotConfig } from '../kconfig/dot-config.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'inventory');

/** A symbol that Kata's kernel asks for. */
export interface InventoryEntry {
  readonly symbol: string;
  readonly value: string;
  readonly group: string;
  /** Configuration of ours that should cover it. */
  readonly configuration: string;
  /** Empty for all. */
  readonly architectures: readonly string[];
}

/** A symbol of the inventory that we leave off, and why. */
export type LeftOff = ReadonlyMap<string, string>;

/** How a configuration compares with the inventory. */
export interface Coverage {
  readonly covered: number;
  /** Left off on purpose, as `SYMBOL: reason`. */
  readonly leftOff: readonly string[];
  /** Not in this kernel, with leave, as `SYMBOL: reason`. */
  readonly allowedMissing: readonly string[];
  /** Neither. */
  readonly missing: readonly InventoryEntry[];
}

/**
 * Reads the inventory: `[group | configuration | architectures]` and below it symbols, `NAME` or `NAME=value`.
 *
 * @throws {FragmentError} naming the line.
 */
export function parseInventory(text: string): InventoryEntry[] {
  const entries: InventoryEntry[] = [];
  let header: { group: string; configuration: string; architectures: string[] } | undefined;
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    const where = `inventory, line ${index + 1}`;
    if (line === '' || line.startsWith('#')) return;
    if (line.startsWith('[')) {
      const match = /^\[([^|\]]+)\|\s*(\w+)\s*\|([^|\]]+)\]$/.exec(line);
      if (!match) throw new FragmentError(`${where}: a group is [name | configuration | architectures]`);
      const names = (match[3] ?? '').trim().split(/\s+/);
      const unknown = names.find((name) => name !== 'all' && !ARCHITECTURES.some((known) => known.name === name));
      if (unknown !== undefined) throw new FragmentError(`${where}: "${unknown}" is no architecture`);
      header = {
        group: (match[1] ?? '').trim(),
        configuration: match[2] ?? '',
        architectures: names.includes('all') ? [] : names,
      };
      return;
    }
    for (const word of line.split(/\s+/)) {
      const match = /^([A-Za-z0-9_]+)(?:=(\S+))?$/.exec(word);
      if (!header || !match) throw new FragmentError(`${where}: "${word}" is no symbol of a group`);
      entries.push({ symbol: match[1] ?? '', value: match[2] ?? 'y', ...header });
    }
  });
  return entries;
}

/**
 * Reads the list of what we leave off: `SYMBOL SYMBOL...: reason`.
 *
 * @throws {FragmentError} naming the line.
 */
export function parseLeftOff(text: string): LeftOff {
  const left = new Map<string, string>();
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const colon = line.indexOf(':');
    const reason = line.slice(colon + 1).trim();
    if (colon < 0 || reason === '')
      throw new FragmentError(`left-off.conf, line ${index + 1}: no reason after a colon`);
    for (const symbol of line.slice(0, colon).trim().split(/\s+/)) left.set(symbol, reason);
  });
  return left;
}

/** Both files of the repository. */
export async function loadInventory(): Promise<{ entries: InventoryEntry[]; leftOff: LeftOff }> {
  return {
    entries: parseInventory(await readFile(join(FOLDER, 'kata.conf'), 'utf8')),
    leftOff: parseLeftOff(await readFile(join(FOLDER, 'left-off.conf'), 'utf8')),
  };
}

/** Compares a finished configuration with what Kata's kernel asks for. */
export function compareInventory(
  entries: readonly InventoryEntry[],
  leftOff: LeftOff,
  rules: readonly AllowedMissing[],
  kernel: {
    readonly result: DotConfig;
    readonly configuration: string;
    readonly architecture: string;
    readonly version: string;
  },
): Coverage {
  const { result, configuration, architecture, version } = kernel;
  const wanted = new Map<string, InventoryEntry>();
  for (const entry of entries) {
    const isHere = entry.architectures.length === 0 || entry.architectures.includes(architecture);
    if (isHere && (entry.configuration === 'kata' || entry.configuration === configuration)) {
      wanted.set(entry.symbol, entry);
    }
  }
  let covered = 0;
  const off: string[] = [];
  const allowed: string[] = [];
  const missing: InventoryEntry[] = [];
  for (const entry of wanted.values()) {
    const { symbol, value } = entry;
    const reason = leftOff.get(symbol);
    const allowance = whyAllowedMissing(rules, symbol, version, architecture);
    if (result.get(symbol) === value) covered++;
    else if (reason !== undefined) off.push(`${symbol}: ${reason}`);
    else if (allowance !== undefined && !result.has(symbol)) allowed.push(`${symbol}: ${allowance}`);
    else missing.push(entry);
  }
  return { covered, leftOff: off, allowedMissing: allowed, missing };
}
