/** Runs inside the engine, in a mount namespace of its own: watchable mounts against the real kernel. */
import { silentLogger } from '../../../agent/src/base/log.ts';
import { STORAGE_DRIVERS } from '../../../agent/src/guest/storage/storage-drivers.ts';
import { StorageRegistry } from '../../../agent/src/guest/storage/storage-registry.ts';
import type { Storage, StorageContext } from '../../../agent/src/guest/storage/storage.ts';
import { Watchables } from '../../../agent/src/guest/storage/watchable/watchables.ts';
import * as fs from '../../../agent/src/sys/file.ts';
import { EventLoop } from '../../../agent/src/sys/loop.ts';
import { offload, offloadCounts } from '../../../agent/src/sys/offload.ts';
import { Reaper } from '../../../agent/src/sys/reaper.ts';
import { check, checkEqual, checkFails, runChecks } from '../../support/engine/checks.ts';
import { storageContext } from '../../support/engine/storage-context.ts';
import { until } from '../../support/engine/until.ts';

const SHARE = '/run/kata-containers/shared/containers';
const ROOT = `${SHARE}/watchable`;
const loop = EventLoop.create();
const parts = { loop, reaper: new Reaper(loop) };
const runBlocking = <T>(name: string, work: () => T): Promise<T> => offload(parts, name, work, { deadlineMs: 10_000 });
const watchables = new Watchables({
  log: silentLogger,
  pollMs: 20,
  runBlocking,
  startTimer: (delayMs, onExpiry) => {
    const timer = loop.setTimer(delayMs, onExpiry);
    return () => timer.cancel();
  },
});
const registry = new StorageRegistry(STORAGE_DRIVERS);

const contextOf = (containerId: string | undefined): StorageContext => ({
  ...storageContext(parts, containerId),
  watchables: () => Promise.resolve(watchables),
});
const context = contextOf('c1');

function watchable(source: string, name: string, root = ROOT): Storage {
  const plain = { driver: 'watchable-bind', driverOptions: [], fstype: 'bind', options: [], shared: false };
  return { ...plain, source: `${SHARE}/${source}`, mountPoint: `${root}/${name}` };
}

async function eventually(promise: string, isKept: () => boolean): Promise<void> {
  await until(loop, isKept);
  check(promise, isKept());
}

const text = (path: string): string => (fs.exists(path) ? fs.readText(path) : '(nothing)');
const isMounted = (path: string): boolean => fs.readText('/proc/self/mountinfo').includes(` ${path} `);

/** What the kubelet makes of a ConfigMap. */
function writeVersion(source: string, version: string): void {
  fs.mkdirAll(`${source}/..${version}`);
  fs.createFile(`${source}/..${version}/key`, version, 0o640);
  fs.chown(`${source}/..${version}/key`, 1000, 2000);
  fs.symlink(`..${version}`, `${source}/..next`);
  fs.rename(`${source}/..next`, `${source}/..data`);
}

async function configMap(): Promise<void> {
  const source = `${SHARE}/config`;
  writeVersion(source, 'one');
  fs.symlink('..data/key', `${source}/key`);
  fs.mknod(`${source}/fifo`, 0o010600, 0, 0);
  const missing = registry.acquire([watchable('config', 'w')], context);
  await checkFails('the folder must be there', missing, `watchable mount source ${ROOT} not found`);
  fs.mkdirAll(ROOT);
  const paths = await registry.acquire([watchable('config', 'w')], context);
  check('the copies are in memory', isMounted(ROOT));
  checkEqual('the first copy is there at once', text(`${ROOT}/w/key`), 'one');
  const copied = fs.stat(`${ROOT}/w/..one/key`);
  checkEqual('with mode and owner', [copied.mode & 0o7777, copied.uid, copied.gid], [0o640, 1000, 2000]);
  checkEqual('links are links', fs.readlink(`${ROOT}/w/key`), '..data/key');
  check('a FIFO is not copied', !fs.exists(`${ROOT}/w/fifo`));
  writeVersion(source, 'two');
  using parent = fs.open(source, 0);
  fs.unlink(`..one/key`, parent);
  fs.rmdir(`..one`, parent);
  await eventually('a swapped link is followed', () => text(`${ROOT}/w/key`) === 'two');
  await eventually('the old version goes', () => !fs.exists(`${ROOT}/w/..one`));
  fs.mkdirAll('/tmp/outside');
  fs.unlink(`${ROOT}/w/..data`);
  fs.symlink('/tmp/outside', `${ROOT}/w/..data`);
  writeVersion(source, 'three');
  await eventually('a link that a container planted is replaced', () => text(`${ROOT}/w/key`) === 'three');
  checkEqual('and never followed (API-08)', fs.readDirectory('/tmp/outside'), []);
  const other = watchable('config', 'x', `${SHARE}/passthrough/watchable`);
  await checkFails('there is one root', registry.acquire([other], context), 'must use the same tmpfs root');
  await registry.release(paths, context);
  check('the last one takes the memory with it', !isMounted(ROOT) && fs.readDirectory(ROOT).length === 0);
}

async function limits(): Promise<void> {
  const source = `${SHARE}/many`;
  fs.mkdirAll(source);
  for (let count = 0; count < 15; count++) fs.createFile(`${source}/${count}`, 'x');
  fs.createFile(`${SHARE}/file`, 'one');
  const paths = await registry.acquire([watchable('many', 'many'), watchable('file', 'file')], context);
  checkEqual('a file is copied as a file', text(`${ROOT}/file`), 'one');
  check('15 files are copied', fs.readDirectory(`${ROOT}/many`).length === 15 && !isMounted(`${ROOT}/many`));
  const inode = fs.stat(`${ROOT}/file`).ino;
  fs.writeFile(`${SHARE}/file`, 'longer');
  await eventually('a change of a file is copied', () => text(`${ROOT}/file`) === 'longer');
  check('into the file that containers have', fs.stat(`${ROOT}/file`).ino === inode);
  fs.createFile(`${source}/16th`, 'x');
  await eventually('16 files are bound instead', () => isMounted(`${ROOT}/many`));
  check('with all that is there', fs.exists(`${ROOT}/many/16th`));
  fs.createFile(`${SHARE}/large`, new Uint8Array((1 << 20) + 1));
  const large = await registry.acquire([watchable('large', 'large')], context);
  check('a file of more than one MiB is bound', isMounted(`${ROOT}/large`));
  await registry.release([...paths, ...large], context);
  check('nothing is left', !isMounted(ROOT) && !isMounted(`${ROOT}/many`));
  check('the sources are whole', fs.readDirectory(source).length === 16 && fs.exists(`${SHARE}/large`));
  check(
    'the sandbox may ask for it in vain',
    (await registry.acquire([watchable('a', 'b')], contextOf(undefined))).length === 1,
  );
  check('then nothing is done', !isMounted(ROOT));
}

runChecks(async () => {
  await configMap();
  await limits();
  await until(loop, () => offloadCounts().running === 0);
  check('no child is left', offloadCounts().running === 0);
});
