import type { Fd } from '../../../sys/fd.ts';
import { chmod, fchown, fstat } from '../../../sys/file.ts';
import { sysKernelFiles } from '../../files/sys-kernel-files.ts';
import { findGroupId, findMode, parseHugePages, tmpfsOptions, withoutGroupId } from '../ephemeral-options.ts';
import { growHugePagePool, shrinkHugePagePool } from '../huge-page-pool.ts';
import { checkMount, mountStorage, unmountStorage } from '../mount-storage.ts';
import type { CheckedStorage, Storage, StorageContext, StorageDriver } from '../storage.ts';

const SETGID = 0o2000;
const KEEP_OWNER = 0xffffffff;

function checkEphemeral(storage: Storage): void {
  checkMount(storage);
  if (storage.fstype === 'hugetlbfs') {
    parseHugePages(storage.options);
    return;
  }
  findGroupId(storage.options);
  findMode(storage.options);
}

/** Gives the volume's root to a group, which new files inherit (`fsgid=`). */
function ownRoot(root: Fd, groupId: number): void {
  fchown(root, KEEP_OWNER, groupId);
  chmod(`/proc/self/fd/${root.number}`, (fstat(root).mode & 0o7777) | SETGID);
}

async function createHugePages(storage: CheckedStorage, context: StorageContext): Promise<void> {
  const request = parseHugePages(storage.options);
  await mountStorage(storage, context, {
    prepare: () => {
      growHugePagePool(sysKernelFiles, request);
      return () => shrinkHugePagePool(sysKernelFiles, request);
    },
  });
}

async function createTmpfs(storage: CheckedStorage, context: StorageContext): Promise<void> {
  const groupId = findGroupId(storage.options);
  const options = tmpfsOptions(withoutGroupId(storage.options));
  await mountStorage(
    { ...storage, options },
    context,
    groupId === undefined ? {} : { finish: (root) => ownRoot(root, groupId) },
  );
}

/** A volume in memory: tmpfs, or huge pages. It lives as long as the VM (contract storage 4.5). */
export const ephemeralDriver: StorageDriver = {
  name: 'ephemeral',
  isReleasedByContainers: false,
  check: checkEphemeral,
  create: (storage, context) =>
    storage.fstype === 'hugetlbfs' ? createHugePages(storage, context) : createTmpfs(storage, context),
  release: async (storage, context) => {
    await unmountStorage(storage, context);
    if (storage.fstype !== 'hugetlbfs') return;
    const request = parseHugePages(storage.options);
    await context.runBlocking('shrink the huge page pool', () => {
      shrinkHugePagePool(sysKernelFiles, request);
      return true;
    });
  },
};
