import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
  readFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { createRequest, mount, type ContainerOptions } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { products } from '../support/repository.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

/** Only the kernel of the kata profile knows 9p. */
const KERNEL = join(products, 'vmlinuz-kata');
const VOLUME = '/run/kata-containers/sandbox/storage/volume';

/** This machine's mke2fs with its libraries in a folder, and the script that runs it from there. */
function copyMkfs(folder: string, guestFolder: string): string {
  const libraries = execFileSync('ldd', ['/sbin/mke2fs'], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => /(?:=> )?(\/\S+) \(/.exec(line)?.[1] ?? []);
  mkdirSync(folder);
  for (const file of ['/sbin/mke2fs', ...libraries]) copyFileSync(file, join(folder, basename(file)));
  const loader = basename(libraries.find((file) => file.includes('/ld-')) ?? '');
  const config = join(folder, 'mke2fs.conf');
  writeFileSync(config, '[fs_types]\next4 = {\nfeatures = extent\n}\n');
  const run = `exec ${guestFolder}/${loader} --library-path ${guestFolder} ${guestFolder}/mke2fs -t ext4 "$@"`;
  return `#!/witness/busybox sh\nexport MKE2FS_CONFIG=${guestFolder}/mke2fs.conf\n${run}\n`;
}

describe.skipIf(!existsSync(KERNEL))('shares over 9p and volumes made in the guest', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-volumes-'));
  const [share, disk] = [join(folder, 'share'), join(folder, 'disk')];
  mkdirSync(share);
  writeFileSync(join(share, 'name'), 'over 9p\n');
  writeFileSync(disk, '');
  truncateSync(disk, 32 << 20);
  const fixture = useVm({
    hasWitness: true,
    config: {
      kernel: KERNEL,
      qemuArguments: [
        ...['-virtfs', `local,path=${share},mount_tag=nine,security_model=none,id=nine`],
        ...['-blockdev', `driver=file,node-name=blank,filename=${disk},locking=off`],
        ...['-device', 'virtio-blk-pci,drive=blank,addr=0x10'],
      ],
    },
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const options = (storage: Record<string, unknown>): ContainerOptions => ({
    root: fixture.root,
    request: { storages: [{ mount_point: VOLUME, ...storage }] },
    mounts: [mount('/run/volume', VOLUME, 'bind', 'rbind', 'rw')],
  });
  const nine = {
    driver: '9p',
    source: 'nine',
    fstype: '9p',
    options: ['trans=virtio,version=9p2000.L,cache=mmap', 'nodev'],
  };

  it('show the files of the host both ways', async () => {
    {
      await using container = await TestContainer.start(fixture.client, options(nine));
      expect((await container.execute('cat /run/volume/name; echo new >/run/volume/name')).stdout).toBe('over 9p\n');
      expect(await fixture.vm.witness('cat /proc/mounts')).toContain(`nine ${VOLUME} 9p`);
    }
    expect(readFileSync(join(share, 'name'), 'utf8')).toBe('new\n');
    expect(await fixture.vm.witness('cat /proc/mounts')).not.toContain(VOLUME);
    const unknown = createRequest(freshId(), options({ ...nine, source: 'ten' }));
    await expectStatus(fixture.client.call('CreateContainer', unknown), ['internal'], 'ten');
    // The folder of all volumes stays from the first one on.
    await fixture.checks.rebase();
  });

  it('are made by the mkfs of the image, when it has one, and for ext4 only', async () => {
    const blank = { driver: 'blk', source: '10', fstype: 'ext4', driver_options: ['create_filesystem'] };
    const without = fixture.client.call('CreateContainer', createRequest(freshId(), options(blank)));
    await expectStatus(without, ['internal'], 'mkfs.ext4');
    const xfs = createRequest(freshId(), options({ ...blank, fstype: 'xfs' }));
    await expectStatus(fixture.client.call('CreateContainer', xfs), ['internal'], 'ext4');

    const script = copyMkfs(join(fixture.vm.share, 'mkfs'), fixture.vm.guestPath('mkfs'));
    writeFileSync(join(fixture.vm.share, 'mkfs.ext4'), script, { mode: 0o755 });
    await fixture.vm.witness(`mkdir -p /sbin && cp ${fixture.vm.guestPath('mkfs.ext4')} /sbin/mkfs.ext4`);
    const container = await TestContainer.start(fixture.client, options(blank));
    expect((await container.execute('stat -f -c %T /run/volume && echo x >/run/volume/y')).status).toBe(0);
    expect(await fixture.vm.witness('cat /proc/mounts')).toMatch(
      / \/run\/kata-containers\/sandbox\/storage\/volume ext4 /,
    );
    // No journal: the superblock says so (feature_compat, bit 2).
    const features = await fixture.vm.witness('dd if=/dev/vda bs=1 skip=1116 count=4 2>/dev/null | od -An -tu4');
    expect(Number(features) & 4).toBe(0);
    await container.remove();
    expect(await fixture.vm.witness('cat /proc/mounts')).not.toContain(VOLUME);
    // The socket for events, and what the test put into the image.
    await fixture.checks.rebase();
  });
});
