import type { KernelFiles } from '../../files/kernel-files.ts';
import type { InterfaceInfo, RouteInfo } from '../../network/list-network.ts';

/** A container as the operator is told of it. */
export interface ContainerRow {
  readonly id: string;
  readonly status: string;
  readonly pid: number | undefined;
  /** Absolute path of its cgroup; undefined without cgroups. */
  readonly cgroup: string | undefined;
}

/** Where the answers come from. */
export interface InspectorWorld {
  readonly files: Pick<KernelFiles, 'tryRead' | 'tryList' | 'tryLinkName'>;
  readonly version: string;
  readonly sandboxId: () => string;
  readonly containers: () => readonly ContainerRow[];
  readonly interfaces: () => readonly InterfaceInfo[];
  readonly routes: () => readonly RouteInfo[];
  /** The last lines of the agent's log, the oldest first. */
  readonly logTail: () => readonly string[];
  /** The last lines of the kernel's log, the oldest first. */
  readonly kernelMessages: () => readonly string[];
}
