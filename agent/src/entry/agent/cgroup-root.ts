import { parseProcMounts } from '../../guest/boot/proc-mounts.ts';
import { readText } from '../../sys/file.ts';

/** The mounted cgroup v2 hierarchy of this machine (beside v1 on a hybrid host); undefined when there is none. */
export function findCgroupRoot(): string | undefined {
  const rows = parseProcMounts(readText('/proc/self/mounts', { maxBytes: 16 << 20 }));
  return rows.find((row) => row.fstype === 'cgroup2')?.target;
}
