import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, CGROUP2_SUPER_MAGIC } from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { Resources } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { exists, fstatfs, mkdir, open, readText, rmdir, writeFile } from '../../sys/file.ts';
import { readCgroupStats } from './cgroup-stats.ts';
import type { CgroupStats } from './cgroup-stats.ts';
import { removeCgroupTree } from './remove-tree.ts';
import { planResources } from './resource-plan.ts';
import type { CgroupWrite } from './resource-plan.ts';

const folderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Lets children of this cgroup use every controller it has. Errors are ignored: a missing one is named when a limit needs it. */
function enableControllers(directory: Fd): void {
  try {
    const enabled = words(readText('cgroup.subtree_control', { at: directory }));
    const missing = words(readText('cgroup.controllers', { at: directory })).filter((name) => !enabled.includes(name));
    for (const name of missing) {
      try {
        writeFile('cgroup.subtree_control', `+${name}`, { at: directory });
      } catch (error) {
        if (!isSysError(error)) throw error;
      }
    }
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

function enterFolder(parent: Fd, name: string): Fd {
  try {
    mkdir(name, 0o755, parent);
  } catch (error) {
    if (!isSysError(error, 'EEXIST')) throw error;
  }
  return open(name, folderFlags, 0, parent);
}

/** A fresh cgroup: one that is there already is taken only if it can be removed, so it is empty, and made anew (CGN-04). */
function createFresh(parent: Fd, name: string): Fd {
  try {
    mkdir(name, 0o755, parent);
  } catch (error) {
    if (!isSysError(error, 'EEXIST')) throw error;
    try {
      rmdir(name, parent);
    } catch (inner) {
      throw new DomainError('failed_precondition', `cgroup ${name} is in use`, inner);
    }
    mkdir(name, 0o755, parent);
  }
  try {
    return open(name, folderFlags, 0, parent);
  } catch (error) {
    rmdir(name, parent);
    throw error;
  }
}

/** A container's cgroup (v2), held by descriptor. */
export class Cgroup {
  /** Below the cgroup root, e.g. `/pod/container`. */
  readonly path: string;
  /** Of the cgroup itself, for `CLONE_INTO_CGROUP`. */
  readonly directory: Fd;
  readonly #parent: Fd;
  readonly #name: string;
  readonly #log: Logger;

  private constructor(path: string, parent: Fd, name: string, directory: Fd, log: Logger) {
    this.path = path;
    this.#parent = parent;
    this.#name = name;
    this.directory = directory;
    this.#log = log;
  }

  /**
   * Creates `path` (from `resolveCgroupPath`) below `root`, the mount point of a v2 hierarchy or a cgroup in one. Missing
   * parents are made and stay. Throws `failed_precondition` when the cgroup is in use.
   */
  static create(root: string, path: string, log: Logger): Cgroup {
    const names = path.split('/').filter((name) => name !== '');
    const name = names.pop() ?? '';
    let parent = open(root, O_RDONLY | O_DIRECTORY);
    try {
      if (fstatfs(parent).type !== CGROUP2_SUPER_MAGIC) {
        throw new DomainError('failed_precondition', `${root} is not a cgroup v2 hierarchy`);
      }
      enableControllers(parent);
      for (const folder of names) {
        const next = enterFolder(parent, folder);
        parent.close();
        parent = next;
        enableControllers(parent);
      }
      return new Cgroup(path, parent, name, createFresh(parent, name), log);
    } catch (error) {
      parent.close();
      throw wrapError(`cgroup ${path}`, error);
    }
  }

  /** Writes limits; what they do not mention keeps its value. Throws naming the field, and the controller if that is missing. */
  apply(resources: Resources): void {
    const cpuMax = exists('cpu.max', this.directory) ? this.#read('cpu.max') : undefined;
    const writes = planResources(resources, { cpuMax });
    if (writes.length === 0) return;
    const controllers = words(this.#read('cgroup.controllers'));
    for (const write of writes) this.#write(write, controllers.includes(write.controller));
  }

  #write(write: CgroupWrite, hasController: boolean): void {
    const { file, value, controller, field, need } = write;
    try {
      if (need === 'if-present' && !exists(file, this.directory)) return;
      if (!hasController) {
        throw new DomainError('failed_precondition', `the ${controller} controller is not available in this cgroup`);
      }
      writeFile(file, value, { at: this.directory });
    } catch (error) {
      if (need !== 'should') throw wrapError(`${field}: ${file}`, error);
      this.#log.warn('a resource setting had no effect', {
        cgroup: this.path,
        field,
        file,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  #read(file: string): string {
    return readText(file, { at: this.directory });
  }

  stats(): CgroupStats {
    return readCgroupStats(this.directory);
  }

  /** Asks for the frozen state; does not wait for it. */
  freeze(): void {
    writeFile('cgroup.freeze', '1', { at: this.directory });
  }

  thaw(): void {
    writeFile('cgroup.freeze', '0', { at: this.directory });
  }

  /** SIGKILL to every process of the subtree at once, also frozen ones (Linux 5.14). */
  kill(): void {
    writeFile('cgroup.kill', '1', { at: this.directory });
  }

  /** A descriptor of the sub-group `name`, undefined when there is none. The caller closes it. */
  openChild(name: string): Fd | undefined {
    try {
      return open(name, folderFlags, 0, this.directory);
    } catch (error) {
      if (isSysError(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Removes the cgroup with everything below it. Throws EBUSY while processes are left. */
  remove(): void {
    removeCgroupTree(this.#parent, this.#name);
  }

  /** Closes the descriptors. */
  close(): void {
    this.directory.close();
    this.#parent.close();
  }
}
