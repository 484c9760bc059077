import type { Storage } from '../storage.ts';

/** Name of the driver that mounts a group of layers as one. */
export const LAYERS_DRIVER = 'erofs.multi-layer';
const MARKER = 'X-kata.multi-layer=true';
const UPPER = 'X-kata.overlay-upper';

/** True for a member of a group of layers (contract storage 4.8). */
export function isLayer(storage: Pick<Storage, 'driver' | 'options'>): boolean {
  return storage.driver === LAYERS_DRIVER || storage.options.includes(MARKER);
}

/** True for the writable layer of a group. */
export function isUpperLayer({ fstype, options }: Pick<Storage, 'fstype' | 'options'>): boolean {
  return options.includes(UPPER) || (fstype === 'ext4' && options.includes(MARKER));
}

/**
 * The storages of a request with its layers as one storage, at the place of the first of them. All layers of a request are one group,
 * which appears where its writable layer says, else its first one; other entries for a place of the group are left out.
 */
export function groupLayers(storages: readonly Storage[]): readonly Storage[] {
  const layers = storages.filter(isLayer);
  const [first] = layers;
  if (first === undefined) return storages;
  const places = new Set(layers.map(({ mountPoint }) => mountPoint));
  const group: Storage = {
    driver: LAYERS_DRIVER,
    driverOptions: [],
    source: `${layers.length} layers`,
    fstype: 'overlay',
    options: [],
    mountPoint: (layers.find(isUpperLayer) ?? first).mountPoint,
    shared: layers.some(({ shared }) => shared),
    layers,
  };
  return storages.flatMap((storage) => {
    if (storage === first) return [group];
    return places.has(storage.mountPoint) || isLayer(storage) ? [] : [storage];
  });
}
