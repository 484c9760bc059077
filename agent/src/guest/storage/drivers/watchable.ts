import { parseMountPoint } from '../mount-point.ts';
import { storageFailure } from '../storage-error.ts';
import type { StorageDriver } from '../storage.ts';
import { watchableRoot } from '../watchable/watchable-root.ts';

/** Small files of the host that workloads want to hear changes of, e.g. ConfigMaps (contract storage section 12). */
export const watchableDriver: StorageDriver = {
  name: 'watchable-bind',
  isReleasedByContainers: true,
  check: ({ source, mountPoint }) => {
    if (source === '') throw storageFailure('need mount source');
    parseMountPoint(source, 'storage.source');
    watchableRoot(parseMountPoint(mountPoint));
  },
  create: async ({ source, target }, context) => {
    // Nobody of the sandbox itself would look at it.
    if (context.containerId === undefined) return;
    const watchables = await context.watchables();
    await watchables.add(parseMountPoint(source, 'storage.source'), target);
  },
  release: async ({ target }, context) => {
    const watchables = await context.watchables();
    await watchables.remove(target);
  },
};
