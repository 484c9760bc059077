import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ARCHITECTURES } from '../architecture.ts';
import { isBefore, parseSeries } from './allowed-missing.ts';
import { type MergedRequests, mergeFragments } from './merge-fragments.ts';
import { type Assignment, FragmentError, parseFragment } from './parse-fragment.ts';

/** Folder of the fragments: `common/NAME.config` for every architecture, `ARCH/NAME.config` for one. */
export const FRAGMENT_FOLDER = join(import.meta.dirname, '..', '..', 'fragments');

const SUFFIX = '.config';

/**
 * Reads and merges fragments. A fragment is a name, which stands for what `common/` and the architecture's folder have of that
 * name, or the path of a file (it has a `/`). A name that only other architectures have gives nothing here.
 *
 * @throws {FragmentError} on an unknown name (the message lists those that exist) and whatever reading and merging refuse.
 */
export async function loadFragments(
  names: readonly string[],
  architecture: string,
  options: { readonly folder?: string; readonly series?: string } = {},
): Promise<MergedRequests> {
  const { folder = FRAGMENT_FOLDER, series } = options;
  const known = await fragmentPlaces(folder);
  const parsed: Assignment[][] = [];
  for (const name of names) {
    if (name.includes('/')) {
      parsed.push(parseFragment(basename(name, SUFFIX), await readNamed(name)));
      continue;
    }
    const places = known.get(name);
    if (!places) throw new FragmentError(`no fragment "${name}"; there are: ${[...known.keys()].join(', ')}`);
    for (const place of ['common', architecture]) {
      if (!places.includes(place)) continue;
      const text = await readFile(join(folder, place, name + SUFFIX), 'utf8');
      const fragment = place === 'common' ? name : `${place}/${name}`;
      if (isFor(architecture, fragment, text) && isOfSeries(series, fragment, text))
        parsed.push(parseFragment(fragment, text));
    }
  }
  return mergeFragments(parsed);
}

/** Names of all fragments in `folder`, sorted. */
export async function listFragments(folder = FRAGMENT_FOLDER): Promise<string[]> {
  return [...(await fragmentPlaces(folder)).keys()];
}

/** By name, the folders that have a file for it. */
async function fragmentPlaces(folder: string): Promise<Map<string, string[]>> {
  const places = new Map<string, string[]>();
  for (const place of ['common', ...ARCHITECTURES.map(({ name }) => name)]) {
    for (const file of await readdir(join(folder, place)).catch(() => [])) {
      if (!file.endsWith(SUFFIX)) continue;
      const name = file.slice(0, -SUFFIX.length);
      places.set(name, [...(places.get(name) ?? []), place]);
    }
  }
  return new Map([...places].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A common fragment may begin with `#! not: ARCH...`: there it has no meaning. */
function isFor(architecture: string, fragment: string, text: string): boolean {
  const excluded = /^#!\s*not:\s*(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  const unknown = excluded.find((name) => !ARCHITECTURES.some((known) => known.name === name));
  if (unknown !== undefined) throw new FragmentError(`fragment ${fragment}: "not: ${unknown}" names no architecture`);
  return !excluded.includes(architecture);
}

/** And `#! since: X.Y`: older kernels have other symbols for it. Without a series, all are taken. */
function isOfSeries(series: string | undefined, fragment: string, text: string): boolean {
  const since = /^#!\s*since:\s*(.*)$/m.exec(text)?.[1]?.trim();
  if (since === undefined) return true;
  const first = parseSeries(since);
  if (!first) throw new FragmentError(`fragment ${fragment}: "since: ${since}" names no series such as 6.12`);
  const current = parseSeries(series ?? '');
  return current === undefined || !isBefore(current, first);
}

async function readNamed(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new FragmentError(`fragment ${path}: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}
