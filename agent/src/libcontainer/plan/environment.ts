/** So few keys may be hashed, whatever they are. */
const maxHashed = 64;

/** Every entry has a key, and no two have the same. */
function areKeysDifferent(entries: readonly string[]): boolean {
  const keys = new Set<string>();
  for (const entry of entries) keys.add(entry.slice(0, entry.indexOf('=')));
  return keys.size === entries.length && !keys.has('');
}

/**
 * The environment of a container's process: the entries as given, byte for byte; of entries with one key the last wins, in the
 * place of the first; entries with an empty key are dropped. Sorting instead of hashing, because the keys are outside input
 * and the engine's hash has no secret.
 */
export function normalizeEnvironment(entries: readonly string[]): readonly string[] {
  if (entries.length <= maxHashed && areKeysDifferent(entries)) return entries;
  const keyed = entries
    .map((entry, index) => ({ entry, index, key: entry.slice(0, entry.indexOf('=')) }))
    .filter(({ key }) => key !== '');
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.index - b.index));
  const kept: { index: number; entry: string }[] = [];
  let previousKey: string | undefined;
  for (const { entry, index, key } of keyed) {
    const last = kept.at(-1);
    if (last !== undefined && key === previousKey) last.entry = entry;
    else kept.push({ index, entry });
    previousKey = key;
  }
  kept.sort((a, b) => a.index - b.index);
  return kept.map(({ entry }) => entry);
}

/** The value of `key`, or undefined. */
export function environmentValue(entries: readonly string[], key: string): string | undefined {
  const prefix = `${key}=`;
  return entries.find((entry) => entry.startsWith(prefix))?.slice(prefix.length);
}
