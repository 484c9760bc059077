import type { AbortSignal } from '../../base/abort.ts';
import type { Logger } from '../../base/log.ts';
import type { BlockDevice } from '../device/virtio-block.ts';
import type { MountPoint } from './mount-point.ts';
import type { Watchables } from './watchable/watchables.ts';

/** Group ownership that a volume gets (contract storage section 5). */
export interface FsGroup {
  readonly groupId: number;
  readonly changePolicy: 'always' | 'on_root_mismatch';
}

/** A request to make content available at a guest path; the fields of the API's Storage message. */
export interface Storage {
  readonly driver: string;
  readonly driverOptions: readonly string[];
  readonly source: string;
  readonly fstype: string;
  readonly options: readonly string[];
  readonly mountPoint: string;
  readonly fsGroup?: FsGroup | undefined;
  /** Stays mounted after its last user is gone, until the VM ends. */
  readonly shared: boolean;
  /** Of a group of layers that is one storage. */
  readonly layers?: readonly Storage[] | undefined;
}

/** A storage whose path was checked. */
export interface CheckedStorage extends Storage {
  readonly target: MountPoint;
}

/** What drivers need from the rest of the agent. */
export interface StorageContext {
  /** Undefined for the storages of the sandbox. */
  readonly containerId?: string | undefined;
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Waits for the virtio block device at a PCI path such as `02/03`. */
  readonly waitForBlockDevice: (pciPath: string, signal: AbortSignal) => Promise<BlockDevice>;
  /** Has the guest look for the SCSI disk at `<id>:<lun>` and waits for it. */
  readonly waitForScsiDisk: (address: string, signal: AbortSignal) => Promise<BlockDevice>;
  /** Waits for a block device that is known by its node, such as `/dev/vda` or `/dev/pmem0`. */
  readonly waitForBlockNode: (node: string, signal: AbortSignal) => Promise<BlockDevice>;
  /** What copies files of the host and keeps the copies up to date. */
  readonly watchables: () => Promise<Pick<Watchables, 'add' | 'remove'>>;
  /**
   * Runs straight-line code where it may block, with a deadline: a share whose server hangs must not stop the agent
   * (LIV-09). What it returns must survive JSON. When it succeeds after its deadline, `undo` is run on what it returned;
   * without `undo` the work is killed at the deadline.
   */
  readonly runBlocking: <T>(name: string, work: () => T, undo?: (late: T) => void) => Promise<T>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Runs a program of the guest, found by PATH, to its end; throws with its status and output when it fails. */
  readonly runProgram: (argv: readonly string[], signal: AbortSignal) => Promise<void>;
}

/** One way of making content available. */
export interface StorageDriver {
  /** Name on the wire. */
  readonly name: string;
  /**
   * False: the result stays until the VM ends, even when its last container is gone; later requests for the same path
   * find it as it was left (emptyDir volumes rely on it).
   */
  readonly isReleasedByContainers: boolean;
  /** Checks that need no side effect; throws. */
  readonly check?: (storage: Storage) => void;
  /** Checks whose code most guests never read; made before any storage of the request is touched. Throws. */
  readonly checkLater?: (storage: Storage) => Promise<void>;
  /** Makes the content available, or throws having undone what it did. */
  readonly create: (storage: CheckedStorage, context: StorageContext) => Promise<void>;
  /** Takes it away again; throws when something is left. */
  readonly release: (storage: CheckedStorage, context: StorageContext) => Promise<void>;
}
