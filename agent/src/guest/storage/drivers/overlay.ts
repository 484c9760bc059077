import { O_DIRECTORY, O_PATH } from '../../../abi/constants.ts';
import { isSysError } from '../../../base/sys-error.ts';
import type { Fd } from '../../../sys/fd.ts';
import { mkdirAll, open } from '../../../sys/file.ts';
import { openBeneath, type Ensured } from '../../files/open-beneath.ts';
import type { MountPoint } from '../mount-point.ts';
import { checkMount, ensureTarget, mountStorage, unmountStorage, type OpenedOptions } from '../mount-storage.ts';
import { planOverlay, type OverlayPlan } from '../overlay-options.ts';
import { removeAt } from '../remove-at.ts';
import { storageFailure } from '../storage-error.ts';
import type { CheckedStorage, Storage, StorageContext, StorageDriver } from '../storage.ts';

/** Stands in where no container is known yet: the check needs the form of the options only. */
const ANY_CONTAINER = 'any';

function checkOverlay(storage: Storage): void {
  checkMount({ ...storage, options: [] });
  if (storage.fstype !== 'overlay') throw storageFailure(`overlayfs needs the type overlay, not ${storage.fstype}`);
  planOverlay(storage, ANY_CONTAINER);
}

/** Removes the writable layer that the driver itself made; what cannot be removed stays. */
function removeLayer({ upper, work, ownsLayer }: OverlayPlan): void {
  if (!ownsLayer) return;
  for (const place of [upper, work]) if (place !== undefined) removeWhatGoes(place);
}

function removeWhatGoes(place: MountPoint): void {
  try {
    removeAt(place);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

/** Makes the directories asked for; gives what removes them again, as far as they are empty. */
function createDirectories(plan: OverlayPlan): () => void {
  const made: Ensured[] = [];
  const undo = (): void => {
    for (const each of made.reverse()) {
      each.undo();
      each[Symbol.dispose]();
    }
    // The kernel makes a folder in the work directory, so a failure can leave more than an empty one.
    removeLayer(plan);
  };
  try {
    const own = plan.ownsLayer ? [plan.upper, plan.work] : [];
    for (const place of [...plan.create, ...own]) if (place !== undefined) made.push(ensureTarget(place));
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

/**
 * The options with every directory opened without following a link, and named by its descriptor: a link in a layer, which
 * is an image's content, must not lead the overlay to the guest's own files. It also keeps many layers within one page.
 */
function openLayers(plan: OverlayPlan): OpenedOptions {
  const held: Fd[] = [];
  const name = (place: MountPoint): string => {
    mkdirAll(place.base);
    using base = open(place.base, O_PATH | O_DIRECTORY);
    const fd = openBeneath(base, place.parts.join('/'), O_DIRECTORY);
    held.push(fd);
    return `/proc/self/fd/${fd.number}`;
  };
  const close = (): void => held.forEach((fd) => fd.close());
  try {
    const options = [...plan.options];
    if (plan.lower.length > 0) options.push(`lowerdir=${plan.lower.map(name).join(':')}`);
    if (plan.upper !== undefined) options.push(`upperdir=${name(plan.upper)}`);
    if (plan.work !== undefined) options.push(`workdir=${name(plan.work)}`);
    return { options, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Layers on top of each other, e.g. the root file system of an image (contract storage 4.4). */
export const overlayDriver: StorageDriver = {
  name: 'overlayfs',
  isReleasedByContainers: true,
  check: checkOverlay,
  create: async (storage: CheckedStorage, context: StorageContext) => {
    const plan = planOverlay(storage, context.containerId);
    await mountStorage(storage, context, {
      prepare: () => createDirectories(plan),
      open: () => openLayers(plan),
      lateUndo: () => removeLayer(plan),
    });
  },
  release: async (storage, context) => {
    await unmountStorage(storage, context);
    const plan = planOverlay(storage, context.containerId);
    if (!plan.ownsLayer) return;
    await context.runBlocking(`remove the layer of ${storage.target.path}`, () => {
      removeLayer(plan);
      return true;
    });
  },
};
