/**
 * Where below the container's cgroup a process sits, by the text of its `/proc/<pid>/cgroup`; undefined when that is the
 * container's cgroup itself or not below it.
 */
export function subPathOf(procCgroup: string, containerPath: string): string | undefined {
  const line = procCgroup.split('\n').find((entry) => entry.startsWith('0::'));
  const marker = `${containerPath}/`;
  const start = line?.indexOf(marker) ?? -1;
  const path = line === undefined || start === -1 ? '' : line.slice(start + marker.length);
  return path === '' ? undefined : path;
}
