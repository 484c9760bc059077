import { Scope } from '../../../base/scope.ts';
import { isSysError } from '../../../base/sys-error.ts';
import { exists } from '../../../sys/file.ts';
import { ensureBeneath } from '../../files/open-beneath.ts';
import { overlayDriver } from '../drivers/overlay.ts';
import { parseMountPoint, type MountPoint } from '../mount-point.ts';
import { mountStorage, openMounted } from '../mount-storage.ts';
import { releaseMount, removeEmptyDirectory } from '../release-mount.ts';
import { removeAt } from '../remove-at.ts';
import { storageFailure } from '../storage-error.ts';
import type { CheckedStorage, StorageContext } from '../storage.ts';
import { partitionNode, planLayers } from './plan-layers.ts';
import type { LayerSource, LayersPlan, LowerLayer } from './plan-layers.ts';
import { createVerityDevice, removeVerityDevice } from './verity-device.ts';

/** How long the partitions of a disk that is there may take to be read. */
const PARTITION_MS = 1000;
const PARTITION_POLL_MS = 50;
/** Longest name that the device mapper takes is 127 bytes; this part of the hash is enough to tell layers apart. */
const HASH_LETTERS = 32;

/** Refuses what can be refused before anything is touched. */
export function checkLayers(layers: CheckedStorage['layers']): void {
  planLayers(layers ?? []);
}

async function findNode({ driver, address, partition }: LayerSource, context: StorageContext): Promise<string> {
  const { signal } = context;
  const found = await (driver === 'blk'
    ? context.waitForBlockDevice(address, signal)
    : context.waitForScsiDisk(address, signal));
  const node = partitionNode(found.node, partition);
  for (let waitedMs = 0; !exists(node); waitedMs += PARTITION_POLL_MS) {
    if (waitedMs >= PARTITION_MS) throw storageFailure(`${node}: no such partition after ${PARTITION_MS} ms`);
    await context.sleep(PARTITION_POLL_MS, signal);
  }
  return node;
}

/** The device to mount: the partition, or the one that checks it. */
async function openLower(scope: Scope, layer: LowerLayer, node: string, context: StorageContext): Promise<string> {
  const { verity } = layer;
  if (verity === undefined) return node;
  const part = node.slice(node.lastIndexOf('/') + 1);
  const offset = verity.dataBlocks * BigInt(verity.dataBlockBytes);
  const name = `kata-verity-${part}-off${offset}-${verity.rootHash.slice(0, HASH_LETTERS)}`;
  const remove = (): true => {
    removeVerityDevice(name);
    return true;
  };
  const made = await context.runBlocking(
    `verify ${node}`,
    () => createVerityDevice(name, { ...verity, device: node }),
    remove,
  );
  scope.defer(async () => {
    await context.runBlocking(`remove ${name}`, remove);
  });
  return made;
}

async function mountLayer(
  scope: Scope,
  context: StorageContext,
  request: {
    readonly source: string;
    readonly fstype: string;
    readonly options: readonly string[];
    readonly target: MountPoint;
  },
): Promise<void> {
  await mountStorage(request, context);
  scope.defer(async () => {
    await context.runBlocking(`unmount ${request.target.path}`, () => {
      releaseMount(request.target);
      return true;
    });
  });
}

/** What was never made needs no removal. */
function removeFolder(place: MountPoint): void {
  try {
    removeAt(place);
  } catch (error) {
    if (!isSysError(error, 'ENOENT')) throw error;
  }
}

/** In a mounted layer: what is there stays, a link is refused. */
function makeDirectories(plan: LayersPlan, upper: MountPoint, firstLower: MountPoint): true {
  for (const { layer, parts } of plan.directories) {
    using root = openMounted(layer === 'upper' ? upper : firstLower);
    // Only the descriptors: what was made is meant to stay.
    ensureBeneath(`/proc/self/fd/${root.number}`, parts)[Symbol.dispose]();
  }
  return true;
}

/**
 * Mounts a group of layers: each read-only on a folder of its own, verified where asked for, and an overlay of them all at the group's
 * place. Gives what takes it all away again, in reverse; a failure leaves nothing.
 */
export async function mountLayers(storage: CheckedStorage, context: StorageContext): Promise<Scope> {
  const plan = planLayers(storage.layers ?? []);
  await using scope = new Scope();
  const folder = `/run/kata-containers/${context.containerId ?? 'sandbox'}/multi-layer`;
  const place = (name: string): MountPoint => parseMountPoint(`${folder}/${name}`);
  // All of them are there before the first is mounted.
  const nodes = await Promise.all(plan.lowers.map((layer) => findNode(layer, context)));
  const upperNode = plan.upper && (await findNode(plan.upper, context));
  const own = parseMountPoint(folder);
  const parent = parseMountPoint(folder.slice(0, folder.lastIndexOf('/')));
  scope.defer(async () => {
    await context.runBlocking(`remove ${folder}`, () => {
      removeFolder(own);
      removeEmptyDirectory(parent);
      return true;
    });
  });
  const lowers = plan.lowers.map((_, index) => place(`lower-${index}`));
  for (const [index, layer] of plan.lowers.entries()) {
    const source = await openLower(scope, layer, nodes[index] ?? '', context);
    // The options of a layer count for nothing: it is read-only in any case.
    await mountLayer(scope, context, { source, fstype: 'erofs', options: ['ro'], target: lowers[index] as MountPoint });
  }
  const upper = place('upper');
  if (plan.upper !== undefined && upperNode !== undefined)
    await mountLayer(scope, context, { source: upperNode, fstype: 'ext4', options: plan.upper.options, target: upper });
  if (plan.directories.length > 0)
    await context.runBlocking('make directories in layers', () =>
      makeDirectories(plan, upper, lowers[0] as MountPoint),
    );
  const create = 'io.katacontainers.volume.overlayfs.create_directory=';
  const overlay: CheckedStorage = {
    ...storage,
    driver: 'overlayfs',
    source: 'overlay',
    fstype: 'overlay',
    driverOptions: [`${create}${upper.path}/upper`, `${create}${upper.path}/work`],
    options: [
      `lowerdir=${lowers.map(({ path }) => path).join(':')}`,
      `upperdir=${upper.path}/upper`,
      `workdir=${upper.path}/work`,
    ],
  };
  await overlayDriver.create(overlay, context);
  scope.defer(() => overlayDriver.release(overlay, context));
  return scope.move();
}
