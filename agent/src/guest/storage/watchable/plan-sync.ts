/** One entry of a watched source, as it was seen. Survives JSON. */
export interface SeenEntry {
  /** Relative to the source; '' is the source itself. */
  readonly path: string;
  readonly kind: 'directory' | 'file' | 'link';
  /** Another stamp is other content. Directories have one stamp only: what is in them counts. */
  readonly stamp: string;
  /** Size of a file, length of a link's text. */
  readonly bytes: number;
}

/** What a watched source may hold (contract storage section 12); a larger one is bound instead of watched. */
export const MAX_ENTRIES = 16;
export const MAX_BYTES = 1 << 20;

/** True when a source is too large to be watched. Directories alone are never too many. */
export function isTooLarge(seen: readonly SeenEntry[]): boolean {
  const hasContent = seen.some((entry) => entry.kind !== 'directory');
  if (hasContent && seen.length > MAX_ENTRIES) return true;
  return seen.reduce((sum, entry) => sum + entry.bytes, 0) > MAX_BYTES;
}

/** How the copy becomes like the source, in this order. */
export interface SyncPlan {
  /** Paths in whose place something of another kind comes. */
  readonly replace: readonly string[];
  /** Directories, parents first, then files, then links: no link shows what is not there yet. */
  readonly copy: readonly SeenEntry[];
  /** Paths that the source does not have any more, children first. */
  readonly remove: readonly string[];
}

const ORDER: Readonly<Record<SeenEntry['kind'], number>> = { directory: 0, file: 1, link: 2 };

/** Compares what was copied with what is there. `seen` has parents before their children. */
export function planSync(tracked: readonly SeenEntry[], seen: readonly SeenEntry[]): SyncPlan {
  const before = new Map(tracked.map((entry) => [entry.path, entry]));
  const now = new Map(seen.map((entry) => [entry.path, entry]));
  const replace = tracked.filter((entry) => (now.get(entry.path)?.kind ?? entry.kind) !== entry.kind);
  const lost = new Set(replace.map((entry) => entry.path));
  const isLost = (path: string): boolean => [...lost].some((each) => path === each || path.startsWith(`${each}/`));
  const copy = seen
    .filter((entry) => isLost(entry.path) || before.get(entry.path)?.stamp !== entry.stamp)
    .sort((a, b) => ORDER[a.kind] - ORDER[b.kind]);
  const remove = tracked.map((entry) => entry.path).filter((path) => !now.has(path));
  return { replace: [...lost], copy, remove: remove.reverse() };
}
