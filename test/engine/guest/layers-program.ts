/** Runs inside the engine, in a mount namespace of its own: overlays and how they end, against the real kernel. */
import { STORAGE_DRIVERS } from '../../../agent/src/guest/storage/storage-drivers.ts';
import { StorageRegistry } from '../../../agent/src/guest/storage/storage-registry.ts';
import type { Storage } from '../../../agent/src/guest/storage/storage.ts';
import * as fs from '../../../agent/src/sys/file.ts';
import { EventLoop } from '../../../agent/src/sys/loop.ts';
import { mount } from '../../../agent/src/sys/mount.ts';
import { offloadCounts } from '../../../agent/src/sys/offload.ts';
import { Reaper } from '../../../agent/src/sys/reaper.ts';
import { check, checkEqual, checkFails, runChecks } from '../../support/engine/checks.ts';
import { storageContext } from '../../support/engine/storage-context.ts';
import { until } from '../../support/engine/until.ts';

const BASE = '/run/kata-containers';
const WRITABLE = 'io.katacontainers.fs-opt.overlay-rw';
const loop = EventLoop.create();
const parts = { loop, reaper: new Reaper(loop) };
const registry = new StorageRegistry(STORAGE_DRIVERS);

const context = storageContext(parts, 'c1');

function overlay(place: string, options: readonly string[], changes: Partial<Storage> = {}): Storage {
  const plain = { driver: 'overlayfs', driverOptions: [], source: 'overlay', fstype: 'overlay', shared: false };
  return { ...plain, options, mountPoint: `${BASE}/${place}`, ...changes };
}

function isMounted(place: string): boolean {
  return fs.readText('/proc/self/mountinfo').includes(` ${BASE}/${place} `);
}

function prepareLayers(): void {
  fs.mkdirAll(`${BASE}/v/top`);
  fs.mkdirAll(`${BASE}/v/bottom`);
  fs.createFile(`${BASE}/v/top/both`, 'top');
  fs.createFile(`${BASE}/v/bottom/both`, 'bottom');
  fs.createFile(`${BASE}/v/bottom/only`, 'bottom', 0o600);
  fs.mkdirAll(`${BASE}/v/disk`);
  mount('disk', `${BASE}/v/disk`, 'tmpfs', 0);
}

const LOWER = `lowerdir=${BASE}/v/top:${BASE}/v/bottom`;

async function plainOverlay(): Promise<void> {
  const make = (name: string): string =>
    `io.katacontainers.volume.overlayfs.create_directory=${BASE}/v/disk/rw/${name}`;
  const options = [LOWER, `upperdir=${BASE}/v/disk/rw/fs`, `workdir=${BASE}/v/disk/rw/work`];
  const fsGroup = { groupId: 77, changePolicy: 'always' } as const;
  const request = overlay('c1/rootfs', options, { driverOptions: [make('fs'), make('work')], fsGroup });
  const paths = await registry.acquire([request], context);
  checkEqual('the upper lower layer wins', fs.readText(`${BASE}/c1/rootfs/both`), 'top');
  const owned = fs.stat(`${BASE}/c1/rootfs/only`);
  check('fs_group reaches the overlay', owned.gid === 77 && (owned.mode & 0o660) === 0o660);
  check('and never the layer below', fs.stat(`${BASE}/v/bottom/only`).gid === 0);
  fs.createFile(`${BASE}/c1/rootfs/new`, 'x');
  check('writes go to the upper layer', fs.exists(`${BASE}/v/disk/rw/fs/new`));
  const second = await registry.acquire([overlay('c1/rootfs', [])], storageContext(parts, 'c2'));
  await registry.release(paths, context);
  check('a second user keeps it', isMounted('c1/rootfs'));
  await registry.release(second, context);
  check('the last user takes it away, its directory too', !fs.exists(`${BASE}/c1/rootfs`));
  check('what was written stays on the disk', fs.exists(`${BASE}/v/disk/rw/fs/new`));
}

async function ownLayer(): Promise<void> {
  const request = overlay('c1/rootfs', [LOWER, WRITABLE]);
  await checkFails(
    'a layer needs a container',
    registry.acquire([request], storageContext(parts, undefined)),
    'No container id',
  );
  const paths = await registry.acquire([request], context);
  fs.createFile(`${BASE}/c1/rootfs/new`, 'x');
  check('the layer is in the folder of the container', fs.exists(`${BASE}/c1/upper/new`));
  await registry.release(paths, context);
  checkEqual('the layer goes with the mount', fs.readDirectory(`${BASE}/c1`), []);
  const broken = registry.acquire([overlay('c1/rootfs', [LOWER, WRITABLE, 'nonsense=1'])], context);
  await checkFails('an option the kernel does not know', broken, 'EINVAL');
  checkEqual('a failure leaves no layer', fs.readDirectory(`${BASE}/c1`), []);
}

async function confinement(): Promise<void> {
  fs.mkdirAll('/tmp/outside');
  fs.createFile('/tmp/outside/secret', 'x');
  fs.symlink('/tmp/outside', `${BASE}/v/disk/link`);
  const layers: readonly (readonly [string, readonly string[]])[] = [
    ['a lower layer', [`lowerdir=${BASE}/v/disk/link:${BASE}/v/top`]],
    ['an upper layer', [LOWER, `upperdir=${BASE}/v/disk/link`, `workdir=${BASE}/v/disk/rw/work`]],
    ['a work directory', [LOWER, `upperdir=${BASE}/v/disk/rw/fs`, `workdir=${BASE}/v/disk/link`]],
  ];
  for (const [what, options] of layers) {
    const through = registry.acquire([overlay('c2/rootfs', options)], storageContext(parts, 'c2'));
    await checkFails(`${what} behind a link is refused (API-08)`, through, 'disk/link');
  }
  check('and leaves nothing', !fs.exists(`${BASE}/c2`));
  const names = fs.readDirectory('/tmp/outside').map((entry) => entry.name);
  checkEqual('nothing outside changed', names, ['secret']);
}

async function rollback(): Promise<void> {
  const tmpfs = { driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs' };
  const five = [
    overlay('r/volume', [], tmpfs),
    overlay('r/volume/inside', [LOWER, `upperdir=${BASE}/v/disk/rw/fs`, `workdir=${BASE}/v/disk/rw/work`]),
    overlay('r/third', [`lowerdir=${BASE}/v/nothing:${BASE}/v/top`]),
    overlay('r/fourth', [LOWER]),
    overlay('r/fifth', [], tmpfs),
  ];
  await checkFails('the third of five fails by name', registry.acquire(five, context), 'v/nothing: ENOENT');
  checkEqual('the last made goes first, so nothing stays (API-08)', fs.readDirectory(`${BASE}/r`), []);
  checkEqual('nothing is counted', registry.mountPoints, []);
  const nested = five
    .slice(0, 2)
    .map((each) => ({ ...each, driver: each.driver === 'ephemeral' ? '9p' : each.driver }));
  const paths = await registry.acquire(nested, context);
  await registry.release(paths, context);
  check('a mount inside another is taken away before it', !fs.exists(`${BASE}/r/volume`));
}

async function deadline(): Promise<void> {
  const slow = { deadlineMs: 1000, heldUntil: `${BASE}/go-on` };
  const late = registry.acquire([overlay('late/rootfs', [LOWER, WRITABLE])], storageContext(parts, 'late', slow));
  await checkFails('an overlay that takes too long fails at its deadline (LIV-09)', late, 'not done after 1000 ms');
  fs.createFile(slow.heldUntil, '');
  await until(loop, () => offloadCounts().running === 0);
  check('and is undone when it comes', !isMounted('late/rootfs') && !fs.exists(`${BASE}/late/upper`));
}

runChecks(async () => {
  prepareLayers();
  await plainOverlay();
  await ownLayer();
  await confinement();
  await rollback();
  await deadline();
  check('no child is left', offloadCounts().running === 0);
});
