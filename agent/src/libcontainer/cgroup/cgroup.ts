import { O_DIRECTORY, O_RDONLY } from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { DeviceMatch } from '../../codec/bpf/device-policy.ts';
import type { DeviceSpec, Resources } from '../../oci/spec.ts';
import type { Fd } from '../../sys/fd.ts';
import { exists, open, readText, writeFile } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { readCgroupStats } from './cgroup-stats.ts';
import { guestCgroupPolicy } from './cgroup-policy.ts';
import type { CgroupPolicy } from './cgroup-policy.ts';
import type { CgroupStats } from './cgroup-stats.ts';
import { createFolder } from './create-folder.ts';
import type { CreatedFolder } from './create-folder.ts';
import { delegateCgroup } from './delegate.ts';
import { setDeviceRules } from './device-filter.ts';
import { freezeAndWait, thawAndWait } from './freeze.ts';
import { keyedValue, parseCount, parseFlatKeyed } from './parse-stats.ts';
import { killAll, processIds, signalAll } from './processes.ts';
import { removeCgroupTree } from './remove-tree.ts';
import { ignoredSettings, planResources } from './resource-plan.ts';
import type { CurrentLimits } from './resource-plan.ts';
import { folderFlags } from './walk-tree.ts';
import { writeResources } from './write-resources.ts';

/** A container's cgroup (v2), held by descriptor. */
export class Cgroup {
  /** Below the cgroup root, e.g. `/pod/container`. */
  readonly path: string;
  /** Of the cgroup itself, for `CLONE_INTO_CGROUP`. */
  readonly directory: Fd;
  readonly #root: string;
  readonly #folder: CreatedFolder;
  readonly #log: Logger;
  readonly #policy: CgroupPolicy;

  private constructor(root: string, path: string, folder: CreatedFolder, log: Logger, policy: CgroupPolicy) {
    this.path = path;
    this.directory = folder.directory;
    this.#root = root;
    this.#folder = folder;
    this.#log = log;
    this.#policy = policy;
  }

  /**
   * Creates `path` (from `resolveCgroupPath`) below `root`, the mount point of a v2 hierarchy or a cgroup in one. Missing
   * parents are made and stay. Throws `failed_precondition` when the cgroup is in use, frozen or threaded.
   */
  static create(root: string, path: string, log: Logger, policy: CgroupPolicy = guestCgroupPolicy): Cgroup {
    try {
      return new Cgroup(root, path, createFolder(root, path, policy.existing), log, policy);
    } catch (error) {
      throw wrapError(`cgroup ${path}`, error);
    }
  }

  /** Opens a cgroup that `create` made, maybe in another process. Throws ENOENT when it is gone. */
  static open(root: string, path: string, log: Logger, policy: CgroupPolicy = guestCgroupPolicy): Cgroup {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const parent = open(`${root}${path.slice(0, -name.length)}`, O_RDONLY | O_DIRECTORY);
    try {
      const directory = open(name, folderFlags, 0, parent);
      return new Cgroup(root, path, { parent, name, directory, missing: new Map() }, log, policy);
    } catch (error) {
      parent.close();
      throw error;
    }
  }

  /**
   * Writes the limits and device rules of a new container, which has the device nodes `nodes`. Throws naming the field, and the
   * controller if that is missing.
   */
  apply(resources: Resources, nodes: readonly DeviceSpec[]): void {
    this.applyLimits(resources);
    this.applyDevices(resources, nodes);
  }

  /** The limits alone. */
  applyLimits(resources: Resources): void {
    this.#write(resources, false);
  }

  /** The device rules alone. */
  applyDevices({ devices }: Pick<Resources, 'devices'>, nodes: readonly DeviceSpec[]): void {
    this.#setDevices(this.#policy.devices(devices, nodes));
  }

  /**
   * Changes a cgroup in use; limits that are not mentioned keep their values, and device rules are replaced only where some are
   * given. When one cannot be set, the limits set before it get their old values again.
   */
  update(resources: Resources, nodes: readonly DeviceSpec[]): void {
    const rules = resources.devices.length === 0 ? undefined : this.#policy.devices(resources.devices, nodes);
    this.#write(resources, true);
    if (rules !== undefined) this.#setDevices(rules);
  }

  #write(resources: Resources, isAtomic: boolean): void {
    for (const setting of ignoredSettings(resources)) {
      // An unsupported value is an error (runtime-spec, "Valid values"); a guest gets what its host's engine took.
      if (!this.#policy.isLenient) throw new DomainError('unimplemented', setting);
      this.#log.warn('a resource setting has no effect', { cgroup: this.path, setting });
    }
    const target = {
      directory: this.directory,
      path: this.path,
      log: this.#log,
      isLenient: this.#policy.isLenient,
      whyMissing: (controller: string) => this.#whyMissing(controller),
    };
    writeResources(target, planResources(resources, this.#current(resources)), isAtomic);
  }

  /** Looks only at what the plan will ask for. */
  #current({ cpu, memory, blockIo }: Resources): CurrentLimits {
    const hasCpuMax = cpu !== undefined && exists('cpu.max', this.directory);
    const needsUsage = memory?.checkBeforeUpdate === true && exists('memory.current', this.directory);
    return {
      cpuMax: hasCpuMax ? this.#read('cpu.max') : undefined,
      hasBfqWeight: blockIo !== undefined && exists('io.bfq.weight', this.directory),
      ...(needsUsage ? { memoryUsage: parseCount(this.#read('memory.current'), 0n) } : {}),
    };
  }

  #whyMissing(controller: string): string {
    const reason = this.#folder.missing.get(controller);
    if (reason !== undefined) return `the ${controller} controller ${reason}`;
    return `the ${controller} controller is not available in the cgroup v2 hierarchy ${this.#root}`;
  }

  #setDevices(rules: readonly DeviceMatch[]): void {
    if (setDeviceRules(this.directory, rules) !== 'skipped') return;
    const reason = 'programs cannot be loaded from a user namespace';
    this.#log.warn('device rules had no effect', { cgroup: this.path, reason });
  }

  /** Gives the cgroup to the user a container's root is outside; see `delegateUid` (delegate-uid.ts). */
  delegate(uid: number): void {
    delegateCgroup(this.directory, uid);
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

  /** Settles when every process stands still; `deadline_exceeded`, and thawed, when one does not. */
  freezeAndWait(loop: EventLoop, deadlineMs?: number): Promise<void> {
    return freezeAndWait(loop, this.directory, deadlineMs);
  }

  thawAndWait(loop: EventLoop, deadlineMs?: number): Promise<void> {
    return thawAndWait(loop, this.directory, deadlineMs);
  }

  /** True when a freeze was asked for here; the state that `pause` and `resume` change. */
  get isFreezeRequested(): boolean {
    return this.#read('cgroup.freeze').trim() === '1';
  }

  /** True while a process is in it or below. */
  get isPopulated(): boolean {
    return keyedValue(parseFlatKeyed(this.#read('cgroup.events')), 'populated') !== 0n;
  }

  /** SIGKILL to every process of the subtree at once, also frozen ones. */
  kill(): void {
    killAll(this.directory);
  }

  /** A signal to every process of the subtree. */
  signal(signal: number): void {
    signalAll(this.directory, signal);
  }

  /** Ids of every process of the subtree in our pid namespace, ascending. */
  processIds(): readonly number[] {
    return processIds(this.directory);
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
    removeCgroupTree(this.#folder.parent, this.#folder.name);
  }

  /** Closes the descriptors. */
  close(): void {
    this.directory.close();
    this.#folder.parent.close();
  }
}
