import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type MergedRequests, mergeFragments } from './merge-fragments.ts';
import { FragmentError, parseFragment } from './parse-fragment.ts';

/** Folder of the `*.config` fragments, beside the sources. */
export const FRAGMENT_FOLDER = join(import.meta.dirname, '..', '..', 'fragments');

/**
 * Reads and merges the named fragments.
 *
 * @throws {FragmentError} on an unknown name (the message lists those that exist) and whatever reading and merging refuse.
 */
export async function loadFragments(names: readonly string[], folder = FRAGMENT_FOLDER): Promise<MergedRequests> {
  const known = await listFragments(folder);
  const parsed = [];
  for (const name of names) {
    if (!known.includes(name)) throw new FragmentError(`no fragment "${name}"; there are: ${known.join(', ')}`);
    parsed.push(parseFragment(name, await readFile(join(folder, `${name}.config`), 'utf8')));
  }
  return mergeFragments(parsed);
}

/** Names of all fragments in `folder`, sorted. */
export async function listFragments(folder = FRAGMENT_FOLDER): Promise<string[]> {
  const files = await readdir(folder);
  return files
    .filter((file) => file.endsWith('.config'))
    .map((file) => file.slice(0, -'.config'.length))
    .sort();
}
