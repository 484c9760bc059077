import { abandonedWork, describeError, DomainError } from '../../base/errors.ts';
import { groupLayers } from './layers/layer-group.ts';
import { parseMountPoint } from './mount-point.ts';
import type { CheckedStorage, Storage, StorageContext, StorageDriver } from './storage.ts';

/** What stands at one mount point, or is on its way there or away. */
interface Entry {
  readonly storage: CheckedStorage;
  readonly driver: StorageDriver;
  /** Containers (and the sandbox) that use it. */
  users: number;
  /** `stuck`: its request has failed, while a process of ours is still in mount(2) and will undo what comes of it. */
  phase: 'creating' | 'ready' | 'releasing' | 'stuck';
  /** Settles, without failure, when the phase `creating` or `releasing` is over. */
  settled: Promise<void>;
}

/**
 * Counts who uses which mount point, so that containers that name the same one share it (contract storage section 6).
 *
 * The first user creates, the last one releases. Calls may overlap: a second user waits until the first one's driver is
 * done, and takes over when that failed.
 */
export class StorageRegistry {
  readonly #drivers: ReadonlyMap<string, StorageDriver>;
  readonly #entries = new Map<string, Entry>();

  constructor(drivers: ReadonlyMap<string, StorageDriver>) {
    this.#drivers = drivers;
  }

  /** Names of the drivers, for AgentDetails. */
  get driverNames(): string[] {
    return [...this.#drivers.keys()];
  }

  /** Paths that are in use, for tests and diagnostics. */
  get mountPoints(): string[] {
    return [...this.#entries.keys()];
  }

  /**
   * Makes all storages available, in order. All of them are checked before the first one is touched; when one fails, the
   * earlier ones of this call are given back.
   *
   * @returns the mount points that the caller gives back with `release()`, in order of creation.
   */
  async acquire(storages: readonly Storage[], context: StorageContext): Promise<string[]> {
    const checked = groupLayers(storages).map((storage) => this.#check(storage));
    for (const storage of checked) await this.#driver(storage).checkLater?.(storage);
    const acquired: Entry[] = [];
    try {
      for (const storage of checked) acquired.push(await this.#acquireOne(storage, context));
    } catch (error) {
      for (const entry of acquired.reverse()) await this.#giveBack(entry, context, true);
      throw error;
    }
    return acquired.filter((entry) => entry.driver.isReleasedByContainers).map((entry) => entry.storage.target.path);
  }

  /**
   * Gives mount points back, the last made first: one may lie inside another. What cannot be cleaned up is logged; the call
   * never fails.
   */
  async release(mountPoints: readonly string[], context: StorageContext): Promise<void> {
    for (const path of [...mountPoints].reverse()) {
      const entry = this.#entries.get(path);
      if (entry !== undefined && entry.phase === 'ready') await this.#giveBack(entry, context, false);
    }
  }

  /** Takes everything away, the last made first: for an agent that ends without its guest. Never fails. */
  async releaseAll(context: StorageContext): Promise<void> {
    for (const entry of [...this.#entries.values()].reverse()) {
      await entry.settled;
      if (entry.phase !== 'ready') continue;
      entry.phase = 'releasing';
      await this.#runRelease(entry, context);
    }
  }

  /** Refuses what `acquire` would refuse before it touches anything. */
  check(storages: readonly Storage[]): void {
    for (const storage of groupLayers(storages)) this.#check(storage);
  }

  #check(storage: Storage): CheckedStorage {
    const driver = this.#driver(storage);
    const target = parseMountPoint(storage.mountPoint);
    driver.check?.(storage);
    return { ...storage, target };
  }

  #driver(storage: Storage): StorageDriver {
    const driver = this.#drivers.get(storage.driver);
    // Hosts and tests know this text and status (contract storage section 1).
    if (driver === undefined) {
      throw new DomainError('internal', `Failed to find the storage handler ${storage.driver}`);
    }
    return driver;
  }

  async #acquireOne(storage: CheckedStorage, context: StorageContext): Promise<Entry> {
    for (;;) {
      const entry = this.#entries.get(storage.target.path);
      if (entry === undefined) return this.#create(storage, context);
      if (entry.phase === 'ready') {
        entry.users += 1;
        return entry;
      }
      // It may be so for ever, and a second mount would come to lie upon the first.
      if (entry.phase === 'stuck') {
        const reason = `an earlier mount there, of ${entry.storage.source}, does not come to an end`;
        throw storageError(storage, new DomainError('internal', reason));
      }
      await entry.settled;
      context.signal.throwIfAborted();
    }
  }

  async #create(storage: CheckedStorage, context: StorageContext): Promise<Entry> {
    const driver = this.#driver(storage);
    const entry: Entry = { storage, driver, users: 1, phase: 'creating', settled: Promise.resolve() };
    this.#entries.set(storage.target.path, entry);
    const work = this.#runCreate(entry, context);
    entry.settled = work.catch(() => undefined);
    await work;
    return entry;
  }

  async #runCreate(entry: Entry, context: StorageContext): Promise<void> {
    try {
      await entry.driver.create(entry.storage, context);
      entry.phase = 'ready';
    } catch (error) {
      const { path } = entry.storage.target;
      const settled = abandonedWork(error);
      if (settled === undefined) this.#entries.delete(path);
      else {
        entry.phase = 'stuck';
        void settled.then(() => this.#entries.delete(path));
      }
      throw storageError(entry.storage, error);
    }
  }

  /** `isRollback`: the request that wanted it failed, so even what normally stays is taken away by its last user. */
  async #giveBack(entry: Entry, context: StorageContext, isRollback: boolean): Promise<void> {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (entry.storage.shared && !isRollback) {
      entry.users = 1;
      return;
    }
    entry.phase = 'releasing';
    const work = this.#runRelease(entry, context);
    entry.settled = work;
    await work;
  }

  /** Never fails. */
  async #runRelease(entry: Entry, context: StorageContext): Promise<void> {
    try {
      await entry.driver.release(entry.storage, context);
    } catch (error) {
      context.log.warn('storage left something behind', {
        'mount-point': entry.storage.target.path,
        error: describeError(error),
      });
    } finally {
      this.#entries.delete(entry.storage.target.path);
    }
  }
}

/**
 * Names the storage in a driver's failure. Whatever it was, hosts expect `internal` (contract storage section 0), except
 * for a bad request and for a caller that is gone.
 */
function storageError(storage: Storage, error: unknown): DomainError {
  const keeps =
    error instanceof DomainError && ['invalid_argument', 'cancelled', 'resource_exhausted'].includes(error.code);
  const what = `storage ${storage.driver} ${storage.source} at ${storage.mountPoint}`;
  return new DomainError(keeps ? error.code : 'internal', what, error);
}
