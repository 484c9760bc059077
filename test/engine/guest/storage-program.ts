/** Runs inside the engine, in a mount namespace of its own: storages, trees and devices against the real kernel. */
import { neverAborted } from '../../../agent/src/base/abort.ts';
import { silentLogger } from '../../../agent/src/base/log.ts';
import { DeviceWaiters } from '../../../agent/src/guest/device/device-waiters.ts';
import { UeventListener } from '../../../agent/src/guest/device/uevent-listener.ts';
import { removeTreeAt, removeTreeWithin } from '../../../agent/src/guest/files/remove-tree.ts';
import { applyFsGroup } from '../../../agent/src/guest/storage/fs-group.ts';
import { refreshSharedMounts } from '../../../agent/src/guest/storage/refresh-shared-mounts.ts';
import { STORAGE_DRIVERS } from '../../../agent/src/guest/storage/storage-drivers.ts';
import { StorageRegistry } from '../../../agent/src/guest/storage/storage-registry.ts';
import type { Storage } from '../../../agent/src/guest/storage/storage.ts';
import { updateEphemeralMounts } from '../../../agent/src/guest/storage/update-ephemeral-mounts.ts';
import * as fs from '../../../agent/src/sys/file.ts';
import { EventLoop } from '../../../agent/src/sys/loop.ts';
import { mount, unmount } from '../../../agent/src/sys/mount.ts';
import { offloadCounts } from '../../../agent/src/sys/offload.ts';
import { Reaper } from '../../../agent/src/sys/reaper.ts';
import { O_DIRECTORY, O_PATH, MS_BIND } from '../../../agent/src/abi/constants.ts';
import { check, checkFails, runChecks } from '../../support/engine/checks.ts';
import { storageContext } from '../../support/engine/storage-context.ts';
import { until } from '../../support/engine/until.ts';

const BASE = '/run/kata-containers';
const loop = EventLoop.create();
const parts = { loop, reaper: new Reaper(loop) };

const context = storageContext(parts, undefined);

function storage(driver: string, place: string, changes: Partial<Storage> = {}): Storage {
  const plain = { driver, driverOptions: [], source: 'none', fstype: 'tmpfs', options: [], shared: false };
  return { ...plain, mountPoint: `${BASE}/${place}`, ...changes };
}

/** The mount table's row of a path below the base; undefined when nothing is mounted there. */
function mountRow(place: string): string | undefined {
  return fs
    .readText('/proc/self/mountinfo')
    .split('\n')
    .find((line) => line.includes(` ${BASE}/${place} `));
}

async function ephemeralVolumes(): Promise<void> {
  const registry = new StorageRegistry(STORAGE_DRIVERS);
  const shm = ['noexec', 'nosuid', 'nodev', 'mode=1777', 'size=67108864'];
  await registry.acquire([storage('ephemeral', 'shm', { options: shm })], context);
  const row = mountRow('shm') ?? '';
  check('an ephemeral volume has the size and flags asked for', /nosuid,nodev,noexec.*size=65536k/.test(row), row);
  await registry.acquire([storage('ephemeral', 'eph', { options: ['fsgid=1000', 'X-junk'] })], context);
  const root = fs.stat(`${BASE}/eph`);
  check('fsgid gives the group and setgid', root.gid === 1000 && (root.mode & 0o2000) !== 0);
  const update = storage('ephemeral', 'eph', { options: ['remount', 'size=64M', 'fsgid=1000'] });
  await updateEphemeralMounts([update], context);
  check('UpdateEphemeralMounts changes the size', mountRow('eph')?.includes('size=65536k') === true);
  const wrong = updateEphemeralMounts([storage('local', 'eph')], context);
  await checkFails('UpdateEphemeralMounts refuses other drivers', wrong, 'Failed to update mounts');
  await registry.acquire([storage('local', 'rootfs/local/v', { options: ['mode=0777', 'fsgid=1000'] })], context);
  const local = fs.stat(`${BASE}/rootfs/local/v`);
  check('a local volume has mode, setgid and group', (local.mode & 0o7777) === 0o2777 && local.gid === 1000);
}

async function confinement(): Promise<void> {
  const registry = new StorageRegistry(STORAGE_DRIVERS);
  fs.mkdirAll('/tmp/outside');
  fs.mkdirAll(`${BASE}/c`);
  fs.symlink('/tmp/outside', `${BASE}/c/rootfs`);
  const through = registry.acquire([storage('local', 'c/rootfs/local/v')], context);
  await checkFails('a symlink on the way is refused (API-08)', through, 'rootfs');
  const onto = registry.acquire([storage('virtio-fs', 'c/rootfs')], context);
  await checkFails('a symlink in the last place is refused (API-08)', onto, 'rootfs');
  check('nothing outside changed', fs.readDirectory('/tmp/outside').length === 0);
}

async function rollback(): Promise<void> {
  const registry = new StorageRegistry(STORAGE_DRIVERS);
  const five = ['1', '2', '3', '4', '5'].map((name) =>
    storage('virtio-fs', `a/${name}`, name === '3' ? { fstype: 'nosuchfs' } : {}),
  );
  const text = `mount none on ${BASE}/a/3 (nosuchfs): ENODEV`;
  await checkFails('the third of five fails by name (API-08)', registry.acquire(five, context), text);
  check('the first two are gone', mountRow('a/1') === undefined && !fs.exists(`${BASE}/a/1`));
  check('the place of the third is gone', !fs.exists(`${BASE}/a/3`));
  const paths = await registry.acquire(five.slice(0, 2), context);
  const busy = fs.open(`${BASE}/a/1`, O_DIRECTORY);
  await registry.release(paths, context);
  check('a busy mount stays, the other goes', mountRow('a/1') !== undefined && !fs.exists(`${BASE}/a/2`));
  busy.close();
  unmount(`${BASE}/a/1`);
}

async function validation(): Promise<void> {
  const registry = new StorageRegistry(STORAGE_DRIVERS);
  const acquire = (changes: Partial<Storage>, driver = 'blk') =>
    registry.acquire([storage(driver, 'b', { fstype: 'ext4', ...changes })], context);
  await checkFails('a source that is no block device', acquire({ source: '/dev/null' }), 'Invalid device /dev/null');
  const encrypted = { source: '02', driverOptions: ['create_filesystem', 'encryption_key=ephemeral'] };
  await checkFails('encryption fails closed', acquire(encrypted), 'no service that can encrypt');
  await checkFails('an empty type', acquire({ source: '02', fstype: '' }), 'need mount FS type');
  const pages = { fstype: 'hugetlbfs', options: ['pagesize=2M'] };
  await checkFails('huge pages in words', acquire(pages, 'ephemeral'), 'is not a number');
}

function ownership(): void {
  fs.mkdirAll('/tmp/volume/sub/deep');
  fs.createFile('/tmp/volume/sub/f', 'x', 0o600);
  fs.createFile('/tmp/outside/secret', 'x', 0o600);
  fs.symlink('/tmp/outside', '/tmp/volume/sub/link');
  fs.mknod('/tmp/volume/fifo', 0o010600, 0, 0);
  using root = fs.open('/tmp/volume', O_PATH);
  applyFsGroup(root, { groupId: 77, changePolicy: 'always' }, false);
  const file = fs.stat('/tmp/volume/sub/f');
  check('fs_group reaches files', file.gid === 77 && (file.mode & 0o7777) === 0o660);
  check('fs_group reaches directories', (fs.stat('/tmp/volume/sub/deep').mode & 0o7777) === 0o2775);
  check('fs_group waits for no FIFO', fs.stat('/tmp/volume/fifo').gid === 77);
  check('fs_group follows no link', fs.stat('/tmp/outside/secret').gid === 0);
}

function removal(): void {
  fs.mkdirAll('/tmp/tree/a/b');
  fs.mkdirAll('/tmp/tree/m/share');
  fs.createFile('/tmp/tree/a/f', 'x');
  fs.createFile('/tmp/tree/bound', 'x');
  fs.symlink('/tmp/outside', '/tmp/tree/a/link');
  mount('share', '/tmp/tree/m/share', 'tmpfs', 0);
  fs.createFile('/tmp/tree/m/share/keep', 'x');
  mount('/tmp/outside', '/tmp/tree/a/b', '', MS_BIND);
  mount('/tmp/outside/secret', '/tmp/tree/bound', '', MS_BIND);
  using tree = fs.open('/tmp/tree', O_DIRECTORY);
  const left = removeTreeWithin(tree);
  check('deletion tells what it left (LIV-14)', left.length === 3, left.join('; '));
  check('deletion crosses no mount (LIV-14)', fs.exists('/tmp/tree/m/share/keep') && fs.exists('/tmp/outside/secret'));
  check('deletion takes the rest', !fs.exists('/tmp/tree/a/f') && !fs.exists('/tmp/tree/a/link'));
  for (const path of ['m/share', 'a/b', 'bound']) unmount(`/tmp/tree/${path}`);
  using parent = fs.open('/tmp', O_DIRECTORY);
  check('a tree goes as a whole', removeTreeAt(parent, 'tree').length === 0 && !fs.exists('/tmp/tree'));
  check('what does not exist is fine', removeTreeAt(parent, 'nothing').length === 0);
}

async function devices(): Promise<void> {
  const waiters = new DeviceWaiters((delayMs, onExpiry) => {
    const timer = loop.setTimer(delayMs, onExpiry);
    return () => timer.cancel();
  });
  const listener = new UeventListener(loop, waiters, silentLogger);
  const wait = waiters.wait({ what: 'x', probe: () => undefined, timeoutMs: 300, signal: neverAborted });
  await checkFails('a device that does not come', wait, 'Timeout after 0.3s waiting for uevent x');
  listener.close();
}

async function deadline(): Promise<void> {
  const registry = new StorageRegistry(STORAGE_DRIVERS);
  const heldUntil = `${BASE}/go-on`;
  const slow = storageContext(parts, undefined, { deadlineMs: 1000, heldUntil });
  const late = registry.acquire([storage('virtio-fs', 'late')], slow);
  await checkFails('a mount that takes too long fails at its deadline (LIV-09)', late, 'not done after 1000 ms');
  fs.createFile(heldUntil, '');
  await until(loop, () => offloadCounts().running === 0);
  check('and is undone when it comes', mountRow('late') === undefined && !fs.exists(`${BASE}/late`));
}

runChecks(async () => {
  await ephemeralVolumes();
  await confinement();
  await rollback();
  await validation();
  ownership();
  removal();
  await devices();
  await deadline();
  await refreshSharedMounts(context);
  check('no child is left', offloadCounts().running === 0);
});
