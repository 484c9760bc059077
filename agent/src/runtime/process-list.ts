import { processIds } from '../libcontainer/cgroup/processes.ts';
import { readStartTime } from '../libcontainer/launch/recorded-init.ts';
import { openCgroupDirectory } from './cgroup/cgroup-directory.ts';
import { ContainerDirectory } from './state/container-directory.ts';

/** Numbers of all processes of a container as this command sees them. Without a cgroup only the first one is known. */
export function listProcesses(root: string, id: string): readonly number[] {
  using directory = ContainerDirectory.open(root, id);
  const state = directory.require();
  using cgroup = openCgroupDirectory(state);
  if (cgroup !== undefined) return processIds(cgroup);
  const { init } = state;
  return init !== undefined && readStartTime(init.pid) === init.startTime ? [init.pid] : [];
}
