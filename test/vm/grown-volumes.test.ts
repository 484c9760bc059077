import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { mount } from '../support/container/container-spec.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { products } from '../support/repository.ts';
import { hostProgram } from '../support/vm/host-program.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

/** The kernel with XFS. */
const KERNEL = join(products, 'vmlinuz-kata');
const VOLUMES = '/run/kata-containers/sandbox/storage';
const MIB = 1 << 20;

interface Kind {
  readonly fstype: string;
  /** Disk of the guest, and its slot. */
  readonly disk: string;
  readonly slot: string;
  /** Of the disk, at first and when it has grown. The smallest XFS that can be made is 300 MiB. */
  readonly firstMib: number;
  readonly grownMib: number;
  readonly make: readonly string[];
  /** Fails unless the image is as it should be. */
  readonly check: readonly string[];
}

const KINDS: readonly Kind[] = [
  {
    fstype: 'ext4',
    disk: 'vda',
    slot: '10',
    firstMib: 32,
    grownMib: 160,
    make: ['/sbin/mke2fs', '-F', '-q', '-t', 'ext4', '-b', '4096'],
    check: ['/sbin/e2fsck', '-f', '-n'],
  },
  {
    fstype: 'xfs',
    disk: 'vdb',
    slot: '11',
    firstMib: 300,
    grownMib: 700,
    make: ['mkfs.xfs', '-q'],
    check: ['xfs_repair', '-n'],
  },
];

describe.skipIf(!existsSync(KERNEL))('volumes whose disks grow', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-grown-'));
  const image = (kind: Kind): string => join(folder, kind.fstype);
  for (const kind of KINDS) {
    writeFileSync(image(kind), '');
    truncateSync(image(kind), kind.firstMib * MIB);
    execFileSync(kind.make[0] ?? '', [...kind.make.slice(1), image(kind)]);
  }
  const disk = (kind: Kind): string[] => [
    ...['-blockdev', `driver=file,node-name=${kind.fstype},filename=${image(kind)},locking=off`],
    ...['-device', `virtio-blk-pci,drive=${kind.fstype},id=disk-${kind.fstype},addr=0x${kind.slot}`],
  ];
  // Registered before the VM's end, so it runs after it: the images are as the guest left them.
  afterAll(() => {
    try {
      for (const { check, ...kind } of KINDS)
        execFileSync(check[0] ?? '', [...check.slice(1), join(folder, kind.fstype)], { stdio: 'pipe' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  const fixture = useVm({
    hasWitness: true,
    files: hostProgram('/usr/sbin/xfs_growfs', 'usr/sbin/xfs_growfs'),
    config: { kernel: KERNEL, qemuArguments: KINDS.flatMap(disk) },
  });

  const place = (kind: Kind): string => `${VOLUMES}/${kind.fstype}`;
  const start = (kind: Kind) =>
    TestContainer.start(fixture.client, {
      root: fixture.root,
      request: {
        storages: [{ driver: 'blk', source: kind.slot, fstype: kind.fstype, mount_point: place(kind) }],
      },
      mounts: [mount('/run/volume', place(kind), 'bind', 'rbind', 'rw')],
    });
  const resize = (path: string, size: bigint) => fixture.client.call('ResizeVolume', { volume_guest_path: path, size });
  /** Bytes of the file system by GetVolumeStats; all it says is what statfs(2) tells a container that does nothing. */
  async function sizeBytes(kind: Kind, container: TestContainer): Promise<bigint> {
    const { usage } = await fixture.client.call('GetVolumeStats', { volume_guest_path: place(kind) });
    const { stdout } = await container.execute('stat -f -c "%S %b %f %c %d" /run/volume');
    const [block = 0n, blocks = 0n, free = 0n, nodes = 0n, freeNodes = 0n] = stdout.trim().split(' ').map(BigInt);
    expect(usage.map(({ unit, total, available, used }) => ({ unit, total, available, used }))).toEqual([
      { unit: 1, total: block * blocks, available: block * free, used: block * (blocks - free) },
      { unit: 2, total: nodes, available: freeNodes, used: nodes - freeNodes },
    ]);
    return block * blocks;
  }
  /** The host makes the disk larger, and the guest hears of it. */
  async function growDisk(kind: Kind): Promise<void> {
    await fixture.vm.vm.qmp('block_resize', { 'node-name': kind.fstype, size: kind.grownMib * MIB });
    await eventually(async () => {
      const sectors = await fixture.vm.witness(`cat /sys/block/${kind.disk}/size`);
      expect(Number(sectors)).toBe((kind.grownMib * MIB) / 512);
    });
  }

  it.each(KINDS.map((kind) => [kind.fstype, kind] as const))(
    'grow while a container uses them: %s',
    async (_, kind) => {
      {
        await using container = await start(kind);
        const first = await sizeBytes(kind, container);
        expect(first).toBeLessThanOrEqual(BigInt(kind.firstMib * MIB));
        const more = BigInt((kind.firstMib + 64) * MIB);
        await expectStatus(resize(place(kind), more), ['invalid_argument'], 'the device has');

        await growDisk(kind);
        expect(await sizeBytes(kind, container), 'a larger disk is no larger file system').toBe(first);
        await container.execute('echo kept > /run/volume/name');
        await resize(place(kind), more);
        const part = await sizeBytes(kind, container);
        expect(part).toBeGreaterThan(first);
        expect(part).toBeLessThanOrEqual(more);
        // 0 is the whole disk; a second time there is nothing left to do.
        await resize(place(kind), 0n);
        await resize(place(kind), 0n);
        const whole = await sizeBytes(kind, container);
        expect(whole).toBeGreaterThan(part);
        expect(whole).toBeLessThanOrEqual(BigInt(kind.grownMib * MIB));
        await expectStatus(resize(place(kind), 1n << 20n), ['invalid_argument'], 'cannot shrink');
        // More than there was at first can be written, and what was there is there.
        const fill = `dd if=/dev/zero of=/run/volume/large bs=1M count=${kind.firstMib + 8} 2>&1 && cat /run/volume/name`;
        const { stdout } = await container.execute(fill);
        expect(stdout).toMatch(/kept\n$/);
        await container.execute('rm /run/volume/large');
      }
      expect(await fixture.vm.witness('cat /proc/mounts')).not.toContain(place(kind));
      // The socket for events, and the folder of all volumes: they stay from the first device on.
      await fixture.checks.rebase();
    },
  );

  it('are disks with ext4 or xfs, and nothing else', async () => {
    await expectStatus(resize('/run', 0n), ['unimplemented'], 'tmpfs');
    await expectStatus(resize('/not/there', 0n), ['internal', 'not_found'], 'ENOENT');
  });
});
