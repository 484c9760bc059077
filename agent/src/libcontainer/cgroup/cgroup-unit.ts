import type { AbortSignal } from '../../base/abort.ts';
import type { Resources } from '../../oci/spec.ts';

/**
 * Who makes the cgroup of a container where a service manager owns the tree: nobody else may make groups there, and a process
 * comes in as a member of a unit.
 */
export interface CgroupUnit {
  /**
   * Makes the unit, with the limits that the manager knows of, around a process that waits. When it settles, the process is in the
   * unit's cgroup, which is the container's. On failure there is no unit.
   */
  start(pid: number, resources: Resources, signal: AbortSignal): Promise<void>;
  /** Ends the unit and takes its cgroup away. A unit that has gone by itself is fine. */
  stop(): Promise<void>;
}
