import { LAYERS_DRIVER } from '../layers/layer-group.ts';
import type { CheckedStorage, StorageDriver } from '../storage.ts';
import type { Scope } from '../../../base/scope.ts';

/** What was mounted for each group that stands. */
const mounted = new WeakMap<CheckedStorage, Scope>();

/** An image of several read-only layers, mounted as one (contract storage 4.8). Its code is read when the first group comes. */
export const layersDriver: StorageDriver = {
  name: LAYERS_DRIVER,
  isReleasedByContainers: true,
  checkLater: async ({ layers }) => (await import('../layers/mount-layers.ts')).checkLayers(layers),
  create: async (storage, context) => {
    const { mountLayers } = await import('../layers/mount-layers.ts');
    mounted.set(storage, await mountLayers(storage, context));
  },
  release: async (storage) => {
    await mounted.get(storage)?.unwind();
    mounted.delete(storage);
  },
};
