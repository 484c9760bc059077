import { CGROUP2_SUPER_MAGIC } from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import { statfs } from '../../sys/statfs.ts';

/** The places where systemd, and everybody who follows it, mounts the v2 hierarchy: alone, or beside v1. */
const places = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

/** Mount point of the cgroup v2 hierarchy; undefined when there is none. */
export function findCgroupRoot(): string | undefined {
  return places.find((place) => {
    try {
      return statfs(place).type === CGROUP2_SUPER_MAGIC;
    } catch (error) {
      if (isSysError(error)) return false;
      throw error;
    }
  });
}
