/** Number of CPUs in a kernel CPU list such as `0-3,7` (Documentation/admin-guide/cputopology.rst). */
export function countCpuList(list: string): number {
  let count = 0;
  for (const part of list.trim().split(',')) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part);
    if (match === null) continue;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    count += Math.max(0, last - first + 1);
  }
  return count;
}
