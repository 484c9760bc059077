import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../vm/host-error.ts';
import { identifyProcess, isProcessAlive, type ProcessIdentity } from '../vm/process-identity.ts';
import { removeSharedDirectory } from '../vm/shared-directory.ts';
import type { VsockAddress } from '../vm/vsock-transport.ts';

/** Where the state of running sandboxes lives; /run does not outlive the host's boot, and neither do they. */
const DEFAULT_ROOT = '/run/kihon';

/** Longest path of a Unix socket, without the final NUL (unix(7)), and the longest name that we put into a sandbox's folder. */
const MAX_SOCKET_PATH = 107;
const LONGEST_SOCKET_NAME = 'vsock.sock_1040';

/** What is known about one sandbox, as stored in its `state.json`. */
export interface SandboxRecord {
  readonly name: string;
  readonly status: 'starting' | 'running' | 'exited';
  /** The process whose end is the VM's end. */
  readonly owner: ProcessIdentity;
  readonly isDetached: boolean;
  readonly createdAt: string;
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly memoryMib: number;
  readonly cpus: number;
  readonly machine: string;
  readonly accelerator?: 'kvm' | 'tcg';
  readonly hasTerminal: boolean;
  readonly vsock?: VsockAddress;
  readonly exitCode?: number;
}

/** One sandbox's folder while this process owns it. */
export interface StateEntry {
  readonly directory: string;
  readonly record: SandboxRecord;
  /** Stores changed fields. */
  update(change: Partial<SandboxRecord>): void;
  /** Removes the folder and everything in it. */
  release(): void;
}

/** The folders of all sandboxes. A folder appears, complete with its owner, by one rename, so two can never share a name. */
export class StateStore {
  readonly root: string;

  constructor(root: string = process.env['KIHON_STATE_DIR'] || DEFAULT_ROOT) {
    this.root = root;
  }

  /** Folder of a sandbox. */
  directory(name: string): string {
    return join(this.root, name);
  }

  /**
   * Takes a name. A stale or ended sandbox of that name is removed first.
   *
   * @throws HostError when the name is in use
   */
  claim(fields: Omit<SandboxRecord, 'owner' | 'status' | 'createdAt'>): StateEntry {
    const directory = this.directory(fields.name);
    if (Buffer.byteLength(join(directory, LONGEST_SOCKET_NAME)) > MAX_SOCKET_PATH) {
      throw new HostError(`${directory} is too long for the sockets in it`);
    }
    const owner = identifyProcess(process.pid);
    if (owner === undefined) throw new HostError('/proc is not mounted, or not that of this process');
    const record: SandboxRecord = { ...fields, owner, status: 'starting', createdAt: new Date().toISOString() };
    mkdirSync(this.root, { recursive: true, mode: 0o700 });
    const fresh = join(this.root, `.new-${process.pid}-${randomBytes(4).toString('hex')}`);
    mkdirSync(fresh, { mode: 0o700 });
    try {
      writeRecord(fresh, record);
      this.#cleanIfDead(fields.name);
      renameSync(fresh, directory);
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true });
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') {
        throw new HostError(`a sandbox named ${fields.name} is running`, { hint: `kihon stop ${fields.name}` });
      }
      throw error;
    }
    return entryOf(directory, record);
  }

  /** All sandboxes, oldest first. Those whose owner died without a word are removed on the way. */
  list(): SandboxRecord[] {
    let names: string[];
    try {
      names = readdirSync(this.root);
    } catch {
      return [];
    }
    for (const name of names.filter((entry) => entry.startsWith('.'))) this.#cleanAbandoned(name);
    return names
      .filter((name) => !name.startsWith('.'))
      .map((name) => this.find(name))
      .filter((record) => record !== undefined)
      .sort((one, other) => one.createdAt.localeCompare(other.createdAt));
  }

  /** One sandbox, or undefined; a stale one is removed and undefined. */
  find(name: string): SandboxRecord | undefined {
    const record = readRecord(this.directory(name));
    if (record !== undefined && (record.status === 'exited' || isProcessAlive(record.owner))) return record;
    this.#clean(name, (left) => left === undefined || !isProcessAlive(left.owner));
    return undefined;
  }

  /** One sandbox. @throws HostError when there is none of that name */
  get(name: string): SandboxRecord {
    const record = this.find(name);
    if (record === undefined) throw new HostError(`no sandbox named ${name}`, { hint: '`kihon ps` lists them' });
    return record;
  }

  /** Forgets a sandbox that has exited. */
  forget(name: string): void {
    this.#cleanIfDead(name);
  }

  #cleanIfDead(name: string): void {
    this.#clean(name, (left) => left === undefined || !isProcessAlive(left.owner));
  }

  /** Moves the folder away first, so that of two cleaners one wins, and a new owner never loses its folder to an old decision. */
  #clean(name: string, isDead: (record: SandboxRecord | undefined) => boolean): void {
    const directory = this.directory(name);
    if (!isDead(readRecord(directory))) return;
    const dead = join(this.root, `.dead-${process.pid}-${randomBytes(4).toString('hex')}`);
    try {
      renameSync(directory, dead);
    } catch {
      return;
    }
    if (isDead(readRecord(dead))) removeEntry(dead);
    else renameSync(dead, directory);
  }

  /** A `.new-` or `.dead-` folder names the pid of its maker; without the maker it is nobody's. */
  #cleanAbandoned(name: string): void {
    const pid = Number(/^\.(?:new|dead)-(\d+)-/.exec(name)?.[1] ?? NaN);
    if (Number.isNaN(pid) || identifyProcess(pid) !== undefined) return;
    removeEntry(join(this.root, name));
  }
}

function readRecord(directory: string): SandboxRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8')) as SandboxRecord;
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- the file may hold anything
    return typeof record.owner?.pid === 'number' && typeof record.createdAt === 'string' ? record : undefined;
  } catch {
    return undefined;
  }
}

function writeRecord(directory: string, record: SandboxRecord): void {
  const path = join(directory, 'state.json');
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The share goes first and by its own careful rules; only then is the rest deleted recursively. */
function removeEntry(directory: string): void {
  removeSharedDirectory(join(directory, 'share'));
  rmSync(directory, { recursive: true, force: true });
}

function entryOf(directory: string, initial: SandboxRecord): StateEntry {
  let record = initial;
  return {
    directory,
    get record() {
      return record;
    },
    update(change) {
      record = { ...record, ...change };
      writeRecord(directory, record);
    },
    release: () => removeEntry(directory),
  };
}
