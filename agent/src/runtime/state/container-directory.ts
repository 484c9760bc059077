import { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } from '../../abi/constants.ts';
import { DT_DIR } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoint.ts';
import { isSysError } from '../../base/sys-error.ts';
import { startSocketName } from '../../libcontainer/launch/start-gate.ts';
import type { Fd } from '../../sys/fd.ts';
import {
  fstat,
  isDirectory,
  mkdir,
  mkdirAll,
  open,
  readDirectory,
  readText,
  readlink,
  rename,
  rmdir,
  stat,
  symlink,
  tryUnlink,
  unlink,
  writeFile,
} from '../../sys/file.ts';
import { lock, tryLock, unlock } from '../../sys/lock.ts';
import { checkContainerId, isContainerId } from '../container-id.ts';
import { runtimeError } from '../runtime-error.ts';
import { decodeState, encodeState } from './stored-state.ts';
import type { StoredState } from './stored-state.ts';

const newFile = O_WRONLY | O_CREAT | O_EXCL;
const folderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const stateFile = 'state.json';
const newStateFile = 'state.json.new';
const configFile = 'config.json';
/** A symbolic link, because that is made with its content in one call. */
const claimedMark = 'claimed';
/** Likewise. */
const tracerMark = 'tracer';
/** A state holds the annotations; a configuration may hold long lists of mounts and rules. */
const maxStateBytes = 16 << 20;
const maxConfigBytes = 64 << 20;

/**
 * The state directory of one container, `<root>/<id>`, held by descriptor. The lock is on the directory itself: it goes with the
 * command, and with the directory.
 */
export class ContainerDirectory implements Disposable {
  readonly id: string;
  readonly fd: Fd;
  readonly #root: string;
  /** This command made it, so nothing is in it but what this command put there. */
  #isOwn = false;
  #hasState = true;
  #isMarked = false;

  private constructor(root: string, id: string, fd: Fd) {
    this.#root = root;
    this.id = id;
    this.fd = fd;
  }

  /** Makes the directory of a new container and locks it. Throws "container with given ID already exists". */
  static create(root: string, id: string): ContainerDirectory {
    checkContainerId(id);
    const path = `${root}/${id}`;
    try {
      makeFolder(root, path);
    } catch (error) {
      if (isSysError(error, 'EEXIST')) throw runtimeError('id in use', id, error);
      throw error;
    }
    const directory = new ContainerDirectory(root, id, open(path, folderFlags));
    directory.#lock('exclusive');
    directory.#isOwn = true;
    directory.#hasState = false;
    return directory;
  }

  /** Opens that of an existing container, undefined when there is none. */
  static tryOpen(root: string, id: string): ContainerDirectory | undefined {
    checkContainerId(id);
    try {
      return new ContainerDirectory(root, id, open(`${root}/${id}`, folderFlags));
    } catch (error) {
      if (isSysError(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      throw error;
    }
  }

  /** Opens that of an existing container. Throws "container does not exist". */
  static open(root: string, id: string): ContainerDirectory {
    const directory = ContainerDirectory.tryOpen(root, id);
    if (directory === undefined) throw runtimeError('no such container', id);
    return directory;
  }

  /** The same, locked: until the command ends nobody else changes the container. */
  static openLocked(root: string, id: string, kind: 'exclusive' | 'shared' = 'exclusive'): ContainerDirectory {
    const directory = ContainerDirectory.open(root, id);
    directory.#lock(kind);
    return directory;
  }

  #lock(kind: 'exclusive' | 'shared'): void {
    try {
      lock(this.fd, kind);
      if (!this.isThere) throw runtimeError('no such container', this.id);
    } catch (error) {
      this.fd.close();
      throw error;
    }
  }

  /** Waits for whoever works on the container. False when it was removed meanwhile. */
  waitForLock(): boolean {
    lock(this.fd, 'exclusive');
    return this.isThere;
  }

  /** Lets others work on the container while this command only waits. */
  unlock(): void {
    unlock(this.fd);
  }

  /** A command works on the container right now. Only for who does not hold the lock himself. */
  get isBusy(): boolean {
    return !tryLock(this.fd, 'shared');
  }

  /** Not removed since it was opened. */
  get isThere(): boolean {
    return fstat(this.fd).nlink !== 0;
  }

  /** The stored state; undefined when a crash came before the first was written. Throws when it is damaged. */
  read(): StoredState | undefined {
    let text: string;
    try {
      text = readText(stateFile, { at: this.fd, maxBytes: maxStateBytes });
    } catch (error) {
      if (isSysError(error, 'ENOENT')) return undefined;
      throw error;
    }
    if (text === '') return undefined;
    const state = decodeState(text);
    if (state.id !== this.id) throw new DomainError('internal', `state.json: is the state of ${state.id}`);
    return state;
  }

  /** The stored state of a container that is whole. */
  require(): StoredState {
    const state = this.read();
    if (state === undefined) throw runtimeError('not running', `${this.id} was never created completely`);
    return state;
  }

  /** Keeps the configuration as it was read. */
  writeConfig(config: Uint8Array): void {
    writeFile(configFile, config, { flags: newFile, mode: 0o600, at: this.fd });
    failpoint('runtime.config');
  }

  /**
   * Replaces the state; a reader sees the old one or the new one. No fsync: what the state describes ends with the machine, and an
   * empty file is read as none.
   */
  write(state: StoredState): void {
    const options = { flags: newFile, mode: 0o600, at: this.fd };
    if (!this.#hasState) {
      writeFile(stateFile, encodeState(state), options);
      this.#hasState = true;
      failpoint('runtime.first-state');
      return;
    }
    try {
      writeFile(newStateFile, encodeState(state), options);
    } catch (error) {
      // Left by a crash; the lock is ours.
      if (!isSysError(error, 'EEXIST')) throw error;
      unlink(newStateFile, this.fd);
      writeFile(newStateFile, encodeState(state), options);
    }
    failpoint('runtime.new-state');
    rename(newStateFile, stateFile, { fromAt: this.fd, toAt: this.fd });
  }

  /** Notes that the cgroup is the container's, before a process is in it, and long before the state can say which. */
  markClaimed(): void {
    symlink('cgroup', claimedMark, this.fd);
    this.#isMarked = true;
  }

  /** The container is complete, and the state names its process. */
  clearClaimed(): void {
    if (this.#isMarked) tryUnlink(claimedMark, this.fd);
    this.#isMarked = false;
  }

  /** What is in the cgroup is the container's, and the container is not complete, or was not when its maker died. */
  get isClaimed(): boolean {
    try {
      return readlink(claimedMark, this.fd) !== '';
    } catch (error) {
      if (isSysError(error, 'ENOENT', 'EINVAL')) return false;
      throw error;
    }
  }

  /** Notes that a process with CAP_SYS_PTRACE came in that the container's configuration knows nothing of. */
  markTracer(): void {
    try {
      symlink('exec', tracerMark, this.fd);
    } catch (error) {
      if (!isSysError(error, 'EEXIST')) throw error;
    }
  }

  /** There was such a process, and may be still. */
  get hasTracer(): boolean {
    try {
      return readlink(tracerMark, this.fd) !== '';
    } catch (error) {
      if (isSysError(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** The configuration as it was when the container was created. */
  readConfig(): string {
    return readText(configFile, { at: this.fd, maxBytes: maxConfigBytes });
  }

  /** Removes the directory with its files. The state goes last: without it nobody could clean up what it names. */
  remove(): void {
    const path = `${this.#root}/${this.id}`;
    tryUnlink(configFile, this.fd);
    // What else there may be, and is not, is found out when the directory is not empty.
    if (!this.#isOwn) for (const name of [startSocketName, claimedMark]) tryUnlink(name, this.fd);
    try {
      tryUnlink(stateFile, this.fd);
      rmdir(path);
    } catch (error) {
      if (!isSysError(error, 'ENOTEMPTY')) throw error;
      for (const { name } of readDirectory('.', this.fd)) unlink(name, this.fd);
      rmdir(path);
    }
  }

  [Symbol.dispose](): void {
    this.fd.close();
  }
}

/** mkdir(2) of a container's directory, and of the root at its first use. */
function makeFolder(root: string, path: string): void {
  try {
    mkdir(path, 0o700);
  } catch (error) {
    if (!isSysError(error, 'ENOENT')) throw error;
    mkdirAll(root, 0o700);
    mkdir(path, 0o700);
  }
}

/** Ids of all containers below a root, sorted. A root that is not there has none. */
export function listContainerIds(root: string): readonly string[] {
  try {
    return readDirectory(root)
      .filter(
        ({ name, type }) =>
          isContainerId(name) && (type === DT_DIR || isDirectory(stat(`${root}/${name}`, { nofollow: true }))),
      )
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if (isSysError(error, 'ENOENT')) return [];
    throw error;
  }
}
