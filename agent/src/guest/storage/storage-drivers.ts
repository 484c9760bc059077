import { blockDriver } from './drivers/block.ts';
import { ephemeralDriver } from './drivers/ephemeral.ts';
import { localDriver } from './drivers/local.ts';
import { ninePDriver, virtioFsDriver } from './drivers/shared-directory.ts';
import type { StorageDriver } from './storage.ts';

/** Every driver by its name on the wire. A Map, because the name is outside input. */
export const STORAGE_DRIVERS: ReadonlyMap<string, StorageDriver> = new Map(
  [blockDriver, ephemeralDriver, localDriver, ninePDriver, virtioFsDriver].map((driver) => [driver.name, driver]),
);
