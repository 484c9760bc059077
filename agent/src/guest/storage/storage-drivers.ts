import { blockDriver, mmioBlockDriver, nvdimmDriver, scsiDriver } from './drivers/block.ts';
import { ephemeralDriver } from './drivers/ephemeral.ts';
import { layersDriver } from './drivers/layers.ts';
import { localDriver } from './drivers/local.ts';
import { overlayDriver } from './drivers/overlay.ts';
import { ninePDriver, virtioFsDriver } from './drivers/shared-directory.ts';
import { watchableDriver } from './drivers/watchable.ts';
import type { StorageDriver } from './storage.ts';

const drivers: readonly StorageDriver[] = [
  ...[blockDriver, mmioBlockDriver, scsiDriver, nvdimmDriver],
  ...[ephemeralDriver, layersDriver, localDriver, ninePDriver, overlayDriver, virtioFsDriver, watchableDriver],
];

/** Every driver by its name on the wire. A Map, because the name is outside input. */
export const STORAGE_DRIVERS: ReadonlyMap<string, StorageDriver> = new Map(
  drivers.map((driver) => [driver.name, driver]),
);
