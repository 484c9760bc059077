import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { createRequest, mount, type ContainerOptions } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { products } from '../support/repository.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

/** The kernel with the drivers that Kata's hosts count on: SCSI, persistent memory, hotplug, VFIO. */
const KERNEL = join(products, 'vmlinuz-kata');
const VOLUMES = '/run/kata-containers/sandbox/storage';

/** A folder with disks, each an ext4 with one file that tells its name. */
function makeDisks(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-disks-'));
  for (const name of ['cold', 'hot', 'scsi', 'pmem']) {
    const content = join(folder, `${name}.content`);
    mkdirSync(join(content, 'layer'), { recursive: true });
    writeFileSync(join(content, 'name'), `${name}\n`);
    writeFileSync(join(content, 'layer/name'), `layer of ${name}\n`);
    const image = join(folder, name);
    writeFileSync(image, '');
    truncateSync(image, name === 'pmem' ? 128 << 20 : 16 << 20);
    execFileSync('/sbin/mke2fs', ['-F', '-q', '-t', 'ext4', '-b', '4096', '-d', content, image]);
  }
  return folder;
}

function machine(disks: string): string[] {
  const drive = (name: string): string[] => [
    '-blockdev',
    `driver=file,node-name=${name},filename=${join(disks, name)},locking=off`,
  ];
  return [
    ...['-machine', 'nvdimm=on,kernel-irqchip=split', '-m', 'slots=2,maxmem=2G'],
    ...['-device', 'intel-iommu'],
    ...['-device', 'pci-bridge,bus=pcie.0,id=bridge,chassis_nr=1,shpc=off,addr=0x10'],
    ...['-device', 'virtio-scsi-pci,id=scsi0,bus=pcie.0,addr=0x11'],
    ...['-device', 'pcie-root-port,id=port7,bus=pcie.0,chassis=7,slot=7,addr=0x12'],
    ...['-device', 'virtio-rng-pci,bus=port7,disable-legacy=on,iommu_platform=on'],
    ...[...drive('cold'), ...drive('hot'), ...drive('scsi')],
    ...['-device', 'virtio-blk-pci,drive=cold,bus=bridge,addr=3'],
    ...['-object', `memory-backend-file,id=pmem0,share=on,mem-path=${join(disks, 'pmem')},size=128M`],
    ...['-device', 'nvdimm,id=nvdimm0,memdev=pmem0'],
  ];
}

const storage = (driver: string, source: string, name: string, ...options: readonly string[]) => ({
  driver,
  source,
  fstype: 'ext4',
  options,
  mount_point: `${VOLUMES}/${name}`,
});

if (!existsSync(KERNEL))
  describe('storages and devices of a VM', () => {
    it.skip('need the kernel of the kata profile', () => undefined);
  });
else
  describe('storages and devices of a VM', () => {
    const disks = makeDisks();
    const fixture = useVm({
      hasWitness: true,
      config: { kernel: KERNEL, qemuArguments: machine(disks) },
    });
    afterAll(() => rmSync(disks, { recursive: true, force: true }));

    const mounts = (): Promise<string> => fixture.vm.witness('cat /proc/mounts');
    const options = (changes: Partial<ContainerOptions>): ContainerOptions => ({ root: fixture.root, ...changes });
    const bind = (name: string) => mount(`/run/${name}`, `${VOLUMES}/${name}`, 'bind', 'rbind', 'rw');
    const create = (changes: Partial<ContainerOptions>) =>
      fixture.client.call('CreateContainer', createRequest(freshId(), options(changes)));
    const hotPlug = (args: Readonly<Record<string, unknown>>) => fixture.vm.vm.qmp('device_add', args);

    const DISKS = [
      storage('blk', '10/03', 'cold'),
      storage('scsi', '0:1', 'scsi'),
      storage('nvdimm', '/dev/pmem0', 'pmem', 'noatime'),
      storage('mmioblk', '/dev/vda', 'again'),
      {
        driver: 'overlayfs',
        source: 'overlay',
        fstype: 'overlay',
        driver_options: ['fs', 'work'].map(
          (name) => `io.katacontainers.volume.overlayfs.create_directory=${VOLUMES}/scsi/rw/${name}`,
        ),
        options: [
          `lowerdir=${VOLUMES}/cold/layer:${VOLUMES}/scsi/layer`,
          `upperdir=${VOLUMES}/scsi/rw/fs`,
          `workdir=${VOLUMES}/scsi/rw/work`,
        ],
        mount_point: `${VOLUMES}/layers`,
      },
    ];

    it('finds a disk that comes after the request, by SCSI address and by PCI path', async () => {
      const given = { request: { storages: [storage('blk', '10/05', 'hot')] } };
      const early = TestContainer.create(fixture.client, options(given));
      await hotPlug({ driver: 'virtio-blk-pci', drive: 'hot', bus: 'bridge', addr: '5', id: 'hot' });
      {
        await using container = await early;
        expect(container.id).not.toBe('');
        expect(await mounts()).toContain(`${VOLUMES}/hot ext4`);
      }
      await hotPlug({ driver: 'scsi-hd', drive: 'scsi', bus: 'scsi0.0', channel: 0, 'scsi-id': 0, lun: 1, id: 'disk' });
      // The socket for events, and the folder of all volumes: they stay from the first device on.
      await fixture.checks.rebase();
    });

    it('mounts a disk of each kind and an overlay on them, once for two containers', async () => {
      const names = ['cold', 'scsi', 'pmem', 'again', 'layers'];
      const given = options({ request: { storages: DISKS }, mounts: names.map(bind) });
      {
        await using first = await TestContainer.start(fixture.client, given);
        await using second = await TestContainer.start(fixture.client, given);
        const read = names.map((name) => `/run/${name}/name`).join(' ');
        const wanted = 'cold\nscsi\npmem\ncold\nlayer of cold\n';
        expect(await first.execute(`cat ${read}`)).toMatchObject({ stdout: wanted, status: 0 });
        await first.execute('echo changed > /run/layers/name');
        expect(await second.execute('cat /run/layers/name /run/scsi/rw/fs/name')).toMatchObject({
          stdout: 'changed\nchanged\n',
        });
        const table = await mounts();
        for (const name of names) expect(table.split(`${VOLUMES}/${name} `)).toHaveLength(2);
      }
      const left = await mounts();
      for (const name of names) expect(left).not.toContain(`${VOLUMES}/${name} `);
      expect(await fixture.vm.witness(`ls ${VOLUMES}`)).toBe('');
    });

    it('API-08: leaves nothing of five when the third fails, and tells which', async () => {
      const five = [...DISKS.slice(0, 2), storage('scsi', '0:9', 'none'), ...DISKS.slice(2, 4)];
      const failed = create({ request: { storages: five } });
      await expectStatus(failed, ['internal'], 'waiting for uevent SCSI disk 0:0:0:9');
      expect(await fixture.vm.witness(`ls ${VOLUMES}`)).toBe('');
      await expectStatus(create({ request: { storages: [storage('blk', '0a/01', 'x')] } }), ['internal'], 'no bridge');
    });

    it('shows a container what the host changes in watchable files, without a look at the share', async () => {
      const source = join(fixture.vm.share, 'config');
      mkdirSync(source);
      mkdirSync(join(fixture.vm.share, 'watchable'));
      writeFileSync(join(source, 'key'), 'one\n');
      {
        const watched = {
          driver: 'watchable-bind',
          source: fixture.vm.guestPath('config'),
          fstype: 'bind',
          mount_point: fixture.vm.guestPath('watchable/config'),
        };
        await using container = await TestContainer.start(
          fixture.client,
          options({
            request: { storages: [watched] },
            mounts: [mount('/run/config', watched.mount_point, 'bind', 'rbind', 'ro')],
          }),
        );
        const place = await container.execute('cat /run/config/key && stat -f -c %T /run/config');
        expect(place.stdout).toBe('one\ntmpfs\n');
        writeFileSync(join(source, 'key'), 'changed\n');
        await eventually(async () => expect((await container.execute('cat /run/config/key')).stdout).toBe('changed\n'));
      }
      expect(await mounts()).not.toContain('watchable');
    });

    /** Numbers that mean something else in the guest, and one device that nobody attached. */
    const HOST_DEVICES = ['/dev/a', '/dev/b', '/dev/c'].map((Path, index) => ({
      Path,
      Type: 'b',
      Major: 8n,
      Minor: BigInt(16 * index),
      FileMode: 0o660,
    }));

    it('gives a container the numbers of the guest, and the right to use those alone', async () => {
      await using container = await TestContainer.start(
        fixture.client,
        options({
          linux: {
            Devices: HOST_DEVICES,
            Resources: {
              Devices: [
                { Allow: false, Access: 'rwm' },
                { Allow: true, Type: 'b', Major: 8n, Minor: 16n, Access: 'r' },
              ],
            },
          },
          request: {
            devices: [
              { type: 'blk', id: '10/03', container_path: '/dev/a' },
              { type: 'scsi', id: '0:1', container_path: '/dev/b' },
              { type: 'nvdimm', vm_path: '/dev/pmem0', container_path: '/dev/c' },
            ],
          },
        }),
      );
      const nodes = (where: string, names: string) => `cd ${where} && stat -c %t:%T ${names}`;
      const seen = await container.execute(nodes('/dev', 'a b c'));
      expect(seen.stdout).toBe(await fixture.vm.witness(nodes('/dev', 'vda sda pmem0')));
      const superblock = 'for i in a b c; do dd if=/dev/$i bs=1 skip=1080 count=2 2>/dev/null | od -An -tx1; done';
      expect((await container.execute(superblock)).stdout).toBe(' 53 ef\n'.repeat(3));
      const other = await fixture.vm.witness('cat /sys/class/block/vdb/dev');
      const outside = `mknod /run/other b ${other.trim().replace(':', ' ')} && dd if=/run/other count=1`;
      expect(await container.execute(outside)).not.toMatchObject({ status: 0 });
    });

    it('tells a container the address of a PCI function, and leaves it to its driver (vfio-pci-gk)', async () => {
      const function12 = '/sys/bus/pci/devices/0000:00:12.0';
      const address = (await fixture.vm.witness(`ls ${function12} | grep "^0000:.*\\.0$"`)).trim();
      const driver = `basename $(readlink /sys/bus/pci/devices/${address}/driver)`;
      const before = await fixture.vm.witness(driver);
      expect(before).toBe('virtio-pci\n');
      const env = ['PATH=/bin', 'PCIDEVICE_X=0000:3b:00.0', 'PCIDEVICE_X_INFO={"0000:3b:00.0":{"a":1}}'];
      await using container = await TestContainer.start(
        fixture.client,
        options({
          env,
          linux: { Devices: [{ Path: '/dev/mine', Type: 'c', Major: 1n, Minor: 3n, FileMode: 0o666 }] },
          request: {
            devices: [{ type: 'vfio-pci-gk', id: '9', container_path: '/dev/vfio/9', options: ['0000:3b:00.0=12/00'] }],
          },
        }),
      );
      const wanted = [`PCIDEVICE_X=${address}`, `PCIDEVICE_X_INFO={"${address}":{"a":1}}`];
      const variables = (text: string) => text.split('\n').filter((line) => line.startsWith('PCIDEVICE'));
      expect(variables((await container.execute('tr "\\0" "\\n" < /proc/1/environ')).stdout)).toEqual(wanted);
      const exec = await container.exec('env', { process: { Env: env } });
      expect(variables((await exec.finish()).stdout)).toEqual(wanted);
      expect((await container.execute('stat -c %t:%T /dev/mine; ls /dev/vfio 2>&1')).stdout).toMatch(/^1:3\n.*No such/);
      expect(await fixture.vm.witness(driver)).toBe(before);
      const absent = { type: 'vfio-pci-gk', id: '9', container_path: '/dev/x', options: ['0000:3b:00.0=12/05'] };
      await expectStatus(create({ request: { devices: [absent] } }), ['internal'], 'Timeout after');
    });

    it('hands a PCI function through, by its group in this guest and by its address', async () => {
      const group = { type: 'vfio-pci', id: '9', container_path: '/dev/vfio/9', options: ['0000:3b:00.0=12/00'] };
      const address = await fixture.vm.witness('ls /sys/bus/pci/devices/0000:00:12.0 | grep "^0000:.*\\.0$"');
      await using container = await TestContainer.start(
        fixture.client,
        options({
          env: ['PATH=/bin', 'PCIDEVICE_X=0000:3b:00.0'],
          linux: { Devices: [{ Path: '/dev/vfio/9', Type: 'c', Major: 10n, Minor: 1n }] },
          request: { devices: [group] },
        }),
      );
      const driver = `basename $(readlink /sys/bus/pci/devices/${address.trim()}/driver)`;
      expect(await fixture.vm.witness(driver)).toBe('vfio-pci\n');
      const node = await fixture.vm.witness('cd /dev/vfio && stat -c %n:%t:%T [0-9]*');
      expect((await container.execute('cd /dev/vfio && stat -c %n:%t:%T *')).stdout).toBe(node);
      expect((await container.execute('tr "\\0" "\\n" < /proc/1/environ')).stdout).toContain(`PCIDEVICE_X=${address}`);
    });
  });
