import type { AbortSignal } from '../../base/abort.ts';
import { annotationProperties } from '../../libcontainer/cgroup/systemd/annotation-properties.ts';
import { findBus } from '../../libcontainer/cgroup/systemd/find-bus.ts';
import { SystemdUnit } from '../../libcontainer/cgroup/systemd/systemd-unit.ts';
import type { LaunchContext } from '../../libcontainer/types.ts';
import type { Spec } from '../../oci/spec.ts';
import { exists, readText } from '../../sys/file.ts';
import { geteuid } from '../../sys/process.ts';
import { environment } from '../../sys/program.ts';

/** The unit of a new container in the systemd of this machine or of this user. */
export async function planUnit(
  context: LaunchContext,
  containerId: string,
  spec: Spec,
  signal: AbortSignal,
): Promise<SystemdUnit> {
  const properties = annotationProperties(spec.annotations);
  const bus = findBus({ environment: environment(), uid: geteuid(), uidMap: readText('/proc/self/uid_map'), exists });
  const request = { containerId, cgroupsPath: spec.linux.cgroupsPath, properties };
  return await SystemdUnit.plan(context, bus, request, signal);
}
