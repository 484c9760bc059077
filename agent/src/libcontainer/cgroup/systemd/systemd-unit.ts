import type { AbortSignal } from '../../../base/abort.ts';
import { describeError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import type { Resources } from '../../../oci/spec.ts';
import type { EventLoop } from '../../../sys/loop.ts';
import type { CgroupUnit } from '../cgroup-unit.ts';
import type { Bus } from './find-bus.ts';
import { jobDeadlineMs, ServiceManager } from './service-manager.ts';
import { unitPlaceOf } from './unit-name.ts';
import { resourceProperties, scopeProperties } from './unit-properties.ts';
import type { UnitProperties } from './unit-properties.ts';

/** What a new unit is made from. */
export interface UnitRequest {
  readonly containerId: string;
  readonly cgroupsPath: string;
  /** From annotations; they win over what a container's scope has by default. */
  readonly properties: UnitProperties;
  /** For the job. Default 30 s. */
  readonly deadlineMs?: number;
}

/** What is needed to find a unit again. */
export interface UnitRecord {
  readonly name: string;
  /** Path of the socket of its manager. */
  readonly socket: string;
}

/** A container's scope unit in systemd. */
export class SystemdUnit implements CgroupUnit, Disposable {
  readonly record: UnitRecord;
  /** Of the cgroup it has or will have, below the root of the hierarchy. */
  readonly path: string;
  readonly #manager: ServiceManager;
  readonly #log: Logger;
  readonly #request: UnitRequest;
  readonly #slice: string;

  private constructor(
    manager: ServiceManager,
    log: Logger,
    request: UnitRequest,
    place: { readonly name: string; readonly slice: string; readonly path: string },
  ) {
    this.#manager = manager;
    this.#log = log;
    this.#request = request;
    this.#slice = place.slice;
    this.path = place.path;
    this.record = { name: place.name, socket: manager.socket };
  }

  /** Finds out where a new unit will be; makes nothing. */
  static async plan(
    context: { readonly loop: EventLoop; readonly log: Logger },
    bus: Bus,
    request: UnitRequest,
    signal?: AbortSignal,
  ): Promise<SystemdUnit> {
    const defaultSlice = bus.kind === 'system' ? 'system.slice' : 'user.slice';
    const place = unitPlaceOf(request.cgroupsPath, request.containerId, defaultSlice);
    const manager = await ServiceManager.connect(context.loop, bus, signal);
    try {
      const above = await manager.controlGroup(signal);
      return new SystemdUnit(manager, context.log, request, { ...place, path: `${above}${place.path}` });
    } catch (error) {
      manager[Symbol.dispose]();
      throw error;
    }
  }

  async start(pid: number, resources: Resources, signal: AbortSignal): Promise<void> {
    const { containerId, properties, deadlineMs = jobDeadlineMs } = this.#request;
    const version = await this.#manager.version(signal);
    const all = new Map([
      ...scopeProperties(`kihon container ${containerId}`, this.#slice, pid),
      ...resourceProperties(resources, { version, cpuMax: '' }),
      ...properties,
    ]);
    await this.#manager.startTransientUnit(this.record.name, all, { deadlineMs, signal });
  }

  async stop(): Promise<void> {
    try {
      await this.#manager.stopUnit(this.record.name);
    } catch (error) {
      // Its processes are dead, and with the last one it goes by itself.
      this.#log.warn(describeError(error), { container: this.#request.containerId });
    }
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#manager[Symbol.dispose]();
  }
}
