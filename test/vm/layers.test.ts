import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { createRequest, mount, type ContainerOptions } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { makeErofs, makePartitions, verified } from '../support/vm/layer-disk.ts';
import { products } from '../support/repository.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const TARGET = '/run/kata-containers/shared/layers';
/** The lean kernel has no device mapper. */
const KERNEL = join(products, 'vmlinuz-kata');
const hasVerity = existsSync(KERNEL);
const MARKER = 'X-kata.multi-layer=true';

/** Two layers on disks of their own, a writable one, and a disk with four verified layers, of which the last is damaged. */
function makeDisks() {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-layers-'));
  const at = (name: string): string => join(folder, name);
  makeErofs(at('top'), { name: 'top\n', 'only/top': 'x' });
  makeErofs(at('base'), { name: 'base\n', 'only/base': 'y' });
  makeErofs(at('damaged'), { name: 'z'.repeat(64 << 10) });
  for (const name of ['top', 'base']) truncateSync(at(name), 1 << 20);
  writeFileSync(at('upper'), '');
  truncateSync(at('upper'), 16 << 20);
  execFileSync('/sbin/mke2fs', ['-F', '-q', '-t', 'ext4', at('upper')]);
  const layers = ['base', 'top', 'damaged'].map((name) => verified(at(name)));
  const starts = makePartitions(
    at('parts'),
    layers.map(({ bytes }) => bytes),
  );
  const damaged = readFileSync(at('parts')).indexOf('z'.repeat(4096), starts[2]);
  const disk = openSync(at('parts'), 'r+');
  writeSync(disk, 'A', damaged + 5000);
  closeSync(disk);
  return { folder, layers };
}

describe('an image of several layers', () => {
  const { folder, layers } = makeDisks();
  const disks = ['top', 'base', 'upper', 'parts'];
  const fixture = useVm({
    hasWitness: true,
    config: {
      ...(hasVerity ? { kernel: KERNEL } : {}),
      qemuArguments: disks.flatMap((name, index) => [
        ...['-blockdev', `driver=file,node-name=${name},filename=${join(folder, name)},locking=off`],
        ...['-device', `virtio-blk-pci,drive=${name},addr=0x1${index}`],
      ]),
    },
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const layer = (disk: string, fstype: string, ...options: readonly string[]) => ({
    driver: 'blk',
    source: `1${disks.indexOf(disk)}`,
    fstype,
    options: [MARKER, ...options],
    mount_point: TARGET,
  });
  const part = (number: number, hash = layers[number - 1]?.rootHash) =>
    layer(
      'parts',
      'erofs',
      ...['X-kata.gpt-partitioned=true', `X-kata.partition-number=${number}`, 'X-kata.dmverity-enabled=true'],
      ...[`X-kata.dmverity.roothash=${hash}`, `X-kata.dmverity.hashoffset=${layers[number - 1]?.hashOffset}`],
    );
  const options = (storages: readonly ReturnType<typeof layer>[]): ContainerOptions => ({
    root: fixture.root,
    request: { storages },
    mounts: [mount('/run/image', TARGET, 'bind', 'rbind', 'rw')],
  });
  const read = 'cd /run/image && cat name && ls only && echo new > name && cat name';
  const left = async (): Promise<string> =>
    await fixture.vm.witness(
      'grep -E "multi-layer|erofs|overlay|layers" /proc/mounts; ls /dev/mapper; ls /run/kata-containers',
    );

  it('is its layers in order, with a writable one on top that keeps what it is told', async () => {
    const directory = 'X-kata.mkdir.path={{ mount 0 }}/../../made/deep:0755';
    const storages = [layer('upper', 'ext4', directory), layer('top', 'erofs'), layer('base', 'erofs')];
    for (const name of ['top', 'new']) {
      await using container = await TestContainer.start(fixture.client, options(storages));
      expect((await container.execute(read)).stdout).toBe(`${name}\nbase\ntop\nnew\n`);
      const table = await fixture.vm.witness('cat /proc/mounts');
      expect(table).toMatch(/ \/run\/kata-containers\/[^ ]*\/multi-layer\/lower-0 erofs ro,/);
      const cid = container.id;
      expect(await fixture.vm.witness(`ls /run/kata-containers/${cid}/multi-layer/upper`)).toContain('made');
    }
    expect(await left()).not.toMatch(/multi-layer|erofs|overlay/);
    // The socket for events stays from the first device on.
    await fixture.checks.rebase();
  });

  it.skipIf(!hasVerity)(
    'is read from verified partitions, the lowest number on top, with a folder to write to',
    async () => {
      {
        await using container = await TestContainer.start(fixture.client, options([part(2), part(1)]));
        expect((await container.execute(read)).stdout).toBe('base\nbase\ntop\nnew\n');
        expect(await fixture.vm.witness('ls /dev/mapper')).toContain('kata-verity-vdd1-off');
      }
      expect(await left()).not.toMatch(/multi-layer|erofs|overlay|kata-verity/);
    },
  );

  it.skipIf(!hasVerity)('cannot be read where its content was changed', async () => {
    await using container = await TestContainer.start(fixture.client, options([part(1), part(3)]));
    const outcome = await container.execute('cat /run/image/name; mkdir /run/o; tail -c 1 /run/image/name');
    expect(outcome.stdout).toContain('base');
    const lower = `/run/kata-containers/${container.id}/multi-layer/lower-1/name`;
    expect(await fixture.vm.witness(`cat ${lower} 2>&1 >/dev/null; true`)).toContain('Input/output error');
  });

  it.each<readonly [string, () => readonly ReturnType<typeof layer>[], string]>([
    ['a wrong root hash', () => [part(1), part(2, '00'.repeat(32))], 'kata-verity-vdd2'],
    [
      'a missing partition',
      () => [part(1), { ...part(2), options: part(2).options.map((o) => o.replace('number=2', 'number=7')) }],
      'vdd7',
    ],
    ['a missing disk', () => [layer('top', 'erofs'), { ...layer('base', 'erofs'), source: '1f' }], 'uevent'],
    ['a disk that is no erofs', () => [layer('top', 'erofs'), layer('upper', 'erofs')], 'erofs'],
    ['another driver', () => [{ ...layer('top', 'erofs'), driver: 'nvdimm' }], 'unsupported driver'],
  ])('leaves nothing when there is %s', async (name, storages, words) => {
    if (!hasVerity && name === 'a wrong root hash') return;
    const before = await left();
    const call = fixture.client.call('CreateContainer', createRequest(freshId(), options(storages())));
    await expectStatus(call, ['internal'], words);
    expect(await left()).toBe(before);
  });
});
