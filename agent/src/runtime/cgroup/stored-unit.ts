import { describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { outerUid } from '../../libcontainer/cgroup/systemd/find-bus.ts';
import { ServiceManager } from '../../libcontainer/cgroup/systemd/service-manager.ts';
import type { UnitRecord } from '../../libcontainer/cgroup/systemd/systemd-unit.ts';
import { resourceProperties } from '../../libcontainer/cgroup/systemd/unit-properties.ts';
import type { Resources } from '../../oci/spec.ts';
import { readText } from '../../sys/file.ts';
import { EventLoop } from '../../sys/loop.ts';
import { geteuid } from '../../sys/process.ts';

/** The manager that made a unit. */
async function connect(socket: string): Promise<ServiceManager> {
  const uid = geteuid();
  const uids = new Set([outerUid(readText('/proc/self/uid_map'), uid), uid]);
  const kind = uid === 0 ? 'system' : 'user';
  return await ServiceManager.connect(EventLoop.create(), { kind, sockets: [socket], uids: [...uids] });
}

/**
 * Ends the unit of a container whose processes were killed. That it cannot be ended is only logged: without processes it goes by
 * itself, and the cgroup can be removed without it.
 */
export async function stopStoredUnit(unit: UnitRecord, log: Logger): Promise<void> {
  try {
    using manager = await connect(unit.socket);
    await manager.stopUnit(unit.name);
  } catch (error) {
    log.warn(`unit ${unit.name}: ${describeError(error)}`);
  }
}

/** Changes the limits that systemd keeps. `cpuMax` is what `cpu.max` of the cgroup says now. */
export async function updateStoredUnit(unit: UnitRecord, resources: Resources, cpuMax: string): Promise<void> {
  using manager = await connect(unit.socket);
  const properties = resourceProperties(resources, { version: await manager.version(), cpuMax });
  if (properties.size > 0) await manager.setProperties(unit.name, properties);
}
