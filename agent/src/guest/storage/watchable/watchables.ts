import { MS_NODEV, MS_NOSUID, O_DIRECTORY, O_PATH, O_RDONLY, UMOUNT_NOFOLLOW } from '../../../abi/constants.ts';
import { describeError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { isSysError } from '../../../base/sys-error.ts';
import { open } from '../../../sys/file.ts';
import { mount, unmount } from '../../../sys/mount.ts';
import type { StartTimer } from '../../device/device-waiters.ts';
import { openBeneath } from '../../files/open-beneath.ts';
import { removeTreeAt } from '../../files/remove-tree.ts';
import { parseMountPoint, type MountPoint } from '../mount-point.ts';
import { storageFailure } from '../storage-error.ts';
import type { SeenEntry } from './plan-sync.ts';
import { scanWatchable, type ScanResult } from './scan-watchable.ts';
import { watchableRoot } from './watchable-root.ts';

/** How often sources are looked at (contract storage section 12). */
export const POLL_MS = 2000;

interface Entry {
  readonly source: MountPoint;
  readonly target: MountPoint;
  tracked: readonly SeenEntry[];
  isBound: boolean;
}

export interface WatchableParts {
  readonly startTimer: StartTimer;
  readonly log: Logger;
  /** Runs what may block, with a deadline of its own: a removal waits for the look that is under way. */
  readonly runBlocking: <T>(name: string, work: () => T) => Promise<T>;
  readonly pollMs: number;
}

/**
 * Files of the host that workloads want to watch (inotify(7) hears nothing of changes that the host makes in a share). They
 * are copied into memory, and looked at again every two seconds; a source that is too large is bound instead.
 *
 * Looks, additions and removals come one after the other. Nothing runs while nothing is watched.
 */
export class Watchables {
  readonly #parts: WatchableParts;
  readonly #entries = new Map<string, Entry>();
  #root: MountPoint | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isPolling = false;

  constructor(parts: WatchableParts) {
    this.#parts = parts;
  }

  /** Copies a source to its place and watches it from now on. Throws, with nothing left, when its place cannot be. */
  add(source: MountPoint, target: MountPoint): Promise<void> {
    return this.#inTurn(async () => {
      await this.#ensureRoot(target);
      const entry: Entry = { source, target, tracked: [], isBound: false };
      this.#entries.set(target.path, entry);
      await this.#look([entry]);
      this.#poll();
    });
  }

  /** Takes the copy away; the memory too, with the last one. Throws when something is left. */
  remove(target: MountPoint): Promise<void> {
    return this.#inTurn(async () => {
      const entry = this.#entries.get(target.path);
      const root = this.#root;
      if (entry === undefined || root === undefined) return;
      this.#entries.delete(target.path);
      const isLast = this.#entries.size === 0;
      await this.#parts.runBlocking(`remove ${target.path}`, () => removeCopy(entry, isLast ? root : undefined));
      if (isLast) this.#root = undefined;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #ensureRoot(target: MountPoint): Promise<void> {
    const root = parseMountPoint(watchableRoot(target));
    if (this.#root !== undefined && this.#root.path !== root.path)
      throw storageFailure(`watchable mounts must use the same tmpfs root ${this.#root.path}`);
    if (this.#root !== undefined) return;
    await this.#parts.runBlocking(`mount ${root.path}`, () => mountRoot(root));
    this.#root = root;
  }

  /** One child for all of them. What fails is tried again at the next look. */
  async #look(entries: readonly Entry[]): Promise<void> {
    const works = entries.map(({ source, target, tracked }) => ({ source, target, tracked }));
    let results: readonly (ScanResult | { readonly kind: 'failed'; readonly error: string })[];
    try {
      results = await this.#parts.runBlocking('look at watchable mounts', () =>
        works.map(({ source, target, tracked }) => {
          try {
            return scanWatchable(source, target, tracked);
          } catch (error) {
            return { kind: 'failed' as const, error: describeError(error) };
          }
        }),
      );
    } catch (error) {
      this.#parts.log.warn('cannot look at watchable mounts', { error: describeError(error) });
      return;
    }
    for (const [index, entry] of entries.entries()) {
      const result = results[index];
      if (result?.kind === 'copied') entry.tracked = result.tracked;
      else if (result?.kind === 'bound') {
        entry.isBound = true;
        this.#parts.log.info('a watchable mount is too large, bound instead', { 'mount-point': entry.target.path });
      } else this.#parts.log.warn('watchable mount', { 'mount-point': entry.target.path, error: result?.error ?? '' });
    }
  }

  #poll(): void {
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#parts.startTimer(this.#parts.pollMs, () => {
      void this.#inTurn(async () => {
        const watched = [...this.#entries.values()].filter((entry) => !entry.isBound);
        if (watched.length > 0) await this.#look(watched);
        this.#isPolling = false;
        if ([...this.#entries.values()].some((entry) => !entry.isBound)) this.#poll();
      });
    });
  }
}

/** The place of the copies: memory, over a folder that the host made. */
function mountRoot(root: MountPoint): boolean {
  using base = open(root.base, O_PATH | O_DIRECTORY);
  try {
    using place = openBeneath(base, root.parts.join('/'), O_DIRECTORY);
    mount('tmpfs', `/proc/self/fd/${place.number}`, 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=0755');
  } catch (error) {
    if (isSysError(error, 'ENOENT')) throw storageFailure(`watchable mount source ${root.path} not found`, error);
    throw error;
  }
  return true;
}

/** Straight-line; `root` is given when nothing else is in it. */
function removeCopy({ target, isBound }: Entry, root: MountPoint | undefined): boolean {
  {
    using base = open(target.base, O_PATH | O_DIRECTORY);
    using above = openBeneath(base, target.parts.slice(0, -1).join('/'), O_DIRECTORY);
    const name = target.parts.at(-1) ?? '';
    if (isBound) unmount(`/proc/self/fd/${above.number}/${name}`, UMOUNT_NOFOLLOW);
    using parent = open('.', O_RDONLY | O_DIRECTORY, 0, above);
    const left = removeTreeAt(parent, name);
    if (left.length > 0) throw storageFailure(`left of ${target.path}: ${left.join('; ')}`);
  }
  if (root !== undefined) unmount(root.path, UMOUNT_NOFOLLOW);
  return true;
}
