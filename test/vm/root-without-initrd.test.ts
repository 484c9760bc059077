import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { ftruncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBusybox } from '../../rootfs-builder/src/busybox/find-busybox.ts';
import { findKernel } from '../support/vm/guest-assets.ts';

const MIB = 1 << 20;
const DATA_BYTES = 64 * MIB;
const BLOCK = 4096;

/** Tells what `/` is and whether `/dev` is there, and switches the machine off. */
const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox grep ' / ' /proc/mounts
/bin/busybox test -c /dev/null && echo 'devices are there'
/bin/busybox poweroff -f
`;

const kernel = findKernel('lean')?.path;

describe.skipIf(kernel === undefined || !kernel.endsWith('vmlinux'))(
  'the lean kernel mounts its root without an initrd',
  () => {
    let folder: string;
    const file = (name: string): string => join(folder, name);

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'kihon-root-'));
      for (const name of ['bin', 'sbin', 'proc', 'dev']) mkdirSync(file(`tree/${name}`), { recursive: true });
      copyFileSync(await findBusybox(), file('tree/bin/busybox'));
      writeFileSync(file('tree/sbin/init'), INIT);
      chmodSync(file('tree/sbin/init'), 0o755);
      execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', String(BLOCK), '-d', file('tree'), file('ext4'), '64M']);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const disk = (image: string, device: string): string[] => [
      ...[
        '-drive',
        `if=none,id=${image},file=${file(image)},format=raw,readonly=on`,
        '-device',
        `${device},drive=${image}`,
      ],
    ];

    it('from a virtio disk', async () => {
      expect(await boot('root=/dev/vda', disk('ext4', 'virtio-blk-pci'))).toMatch(/ \/ ext4 ro,.*\ndevices are there/);
    });

    it('from a SCSI disk', async () => {
      const devices = ['-device', 'virtio-scsi-pci', ...disk('ext4', 'scsi-hd')];
      expect(await boot('root=/dev/sda', devices)).toMatch(/ \/ ext4 ro,.*\ndevices are there/);
    });

    it('from virtio-pmem, with DAX', async () => {
      const devices = [
        ...['-object', `memory-backend-file,id=m,mem-path=${file('ext4')},size=64M,share=on`],
        ...['-device', 'virtio-pmem-pci,memdev=m'],
      ];
      expect(await boot('root=/dev/pmem0 rootflags=dax', devices)).toMatch(/ \/ ext4 ro,.*dax=always/);
    });

    it('from an NVDIMM with a PFN header, with DAX', async () => {
      const header = pfnHeader(2 * MIB);
      const nvdimm = openSync(file('nvdimm'), 'w');
      ftruncateSync(nvdimm, 2 * DATA_BYTES);
      writeSync(nvdimm, header, 0, header.length, BLOCK);
      const data = readFileSync(file('ext4'));
      writeSync(nvdimm, data, 0, data.length, 2 * MIB);
      closeSync(nvdimm);
      const devices = [
        ...['-object', `memory-backend-file,id=m,mem-path=${file('nvdimm')},size=128M,share=on`],
        ...['-device', 'nvdimm,memdev=m'],
      ];
      expect(await boot('root=/dev/pmem0 rootflags=dax', devices)).toMatch(/ \/ ext4 ro,.*dax=always/);
    });

    it('from a verity device that the command line describes, and from none whose hash is another', async () => {
      const said = execFileSync('veritysetup', ['format', '--no-superblock', file('ext4'), file('hashes')], {
        encoding: 'utf8',
      });
      const salt = /Salt:\s+([0-9a-f]+)/.exec(said)?.[1] ?? '';
      const hash = /Root hash:\s+([0-9a-f]+)/.exec(said)?.[1] ?? '';
      const verity = (root: string): string =>
        `root=/dev/dm-0 dm-mod.create="root,,,ro,0 ${DATA_BYTES / 512} verity 1 /dev/vda /dev/vdb ${BLOCK} ${BLOCK} ` +
        `${DATA_BYTES / BLOCK} 0 sha256 ${root} ${salt}"`;
      const devices = [...disk('ext4', 'virtio-blk-pci'), ...disk('hashes', 'virtio-blk-pci')];
      expect(await boot(verity(hash), devices)).toMatch(/ \/ ext4 ro,.*\ndevices are there/);
      const other = (hash.startsWith('0') ? '1' : '0') + hash.slice(1);
      expect(await boot(verity(other), devices)).toMatch(/Kernel panic - not syncing: VFS: Unable to mount root fs/);
    });

    function boot(cmdline: string, devices: readonly string[]): Promise<string> {
      const args = [
        ...['-machine', 'q35,accel=tcg,nvdimm=on', '-cpu', 'max', '-m', '256,slots=2,maxmem=1G', '-bios', 'qboot.rom'],
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
        ...[
          '-kernel',
          kernel ?? '',
          '-append',
          `console=ttyS0 panic=1 reboot=t quiet ro nr_cpus=1 no_timer_check ${cmdline}`,
        ],
        ...devices,
      ];
      return new Promise((done, fail) => {
        const qemu = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 200_000 });
        let console = '';
        for (const stream of [qemu.stdout, qemu.stderr]) stream.on('data', (bytes) => (console += String(bytes)));
        qemu.on('error', fail);
        qemu.on('close', () => done(console.replaceAll('\r', '')));
      });
    }
  },
);

/** The block at 4 KiB that makes an NVDIMM a device with DAX (`struct nd_pfn_sb`, drivers/nvdimm/pfn.h). */
function pfnHeader(dataOffset: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write('NVDIMM_PFN_INFO', 0, 'latin1');
  block.writeUInt16LE(2, 54);
  block.writeBigUInt64LE(BigInt(dataOffset), 56);
  block.writeUInt32LE(1, 72);
  block.writeUInt32LE(2 * MIB, 84);
  let low = 0n;
  let high = 0n;
  for (let offset = 0; offset < BLOCK; offset += 4) {
    low = BigInt.asUintN(32, low + BigInt(block.readUInt32LE(offset)));
    high = BigInt.asUintN(64, high + low);
  }
  block.writeBigUInt64LE(BigInt.asUintN(64, (high << 32n) | low), BLOCK - 8);
  return block;
}
