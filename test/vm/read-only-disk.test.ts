import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TestContainer } from '../support/container/test-container.ts';
import { products } from '../support/repository.ts';
import { privileged } from '../support/vm/run-program.ts';
import { TestVm, type TestVmOptions } from '../support/vm/test-vm.ts';

/** The kernel with persistent memory. */
const KATA_KERNEL = join(products, 'vmlinuz-kata');
const MIB = 1 << 20;

/** Ways of root to write to a disk; prints each that worked. `$1` is its node. */
const WRITE = `
  attempt() { "$@" >/dev/null 2>&1 && echo "worked: $*"; }
  blockdev --setrw $1
  attempt sh -c "echo x > $1"
  attempt dd if=/dev/zero of=$1 bs=4096 count=1 conv=fsync
  attempt dd if=/dev/zero of=$1 bs=4096 seek=100 count=100 conv=fsync
  attempt dd if=/dev/zero of=$1 bs=4096 count=1 oflag=direct
  attempt mount -t ext4 -o rw $1 /run/mnt
  mkdir -p /run/mnt; mount -t ext4 -o ro,noload $1 /run/mnt || exit 1
  attempt mount -o remount,rw /run/mnt
  attempt sh -c 'echo x > /run/mnt/name'
  cat /run/mnt/name; umount /run/mnt; rmdir /run/mnt; echo end`;

describe('VMB-04: a disk that the host gives for reading', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-sealed-'));
  const image = join(folder, 'image');
  const content = join(folder, 'content');
  mkdirSync(content);
  writeFileSync(join(content, 'name'), 'sealed\n');
  writeFileSync(image, '');
  truncateSync(image, 128 * MIB);
  execFileSync('/sbin/mke2fs', ['-F', '-q', '-t', 'ext4', '-b', '4096', '-d', content, image]);
  afterAll(() => rmSync(folder, { recursive: true }));
  const digest = (): string => createHash('sha256').update(readFileSync(image)).digest('hex');
  const before = digest();

  /** Root of the guest tries, then a container that may make nodes. */
  async function attack(options: TestVmOptions, name: string): Promise<void> {
    await using vm = await TestVm.boot({ hasWitness: true, ...options });
    const node = `/dev/${name}`;
    const answer = await vm.witness(`set -- ${node}; ${WRITE}`);
    expect(answer.split('\n').filter((line) => /^(worked|sealed|end)/.test(line))).toEqual(['sealed', 'end']);
    const number = (await vm.witness(`cat /sys/class/block/${name}/dev`)).trim().replace(':', ' ');
    const client = await vm.connect();
    await client.call('CreateSandbox', {
      sandbox_id: 'pod',
      storages: [{ driver: 'virtio-fs', source: 'kataShared', fstype: 'virtiofs', mount_point: vm.guestPath('') }],
    });
    const { stdout } = await TestContainer.run(client, {
      root: vm.root,
      run: `mknod /run/node b ${number} && (: < /run/node) 2>&1 | grep -o 'not permitted'; (echo x > /run/node) 2>&1 | grep -o 'not permitted'; echo end`,
      ...privileged('CAP_SYS_ADMIN', 'CAP_MKNOD', 'CAP_SYS_RAWIO'),
    });
    expect(stdout).toBe('not permitted\nnot permitted\nend\n');
    await vm.powerOff();
    expect(digest()).toBe(before);
  }

  const drive = `driver=file,node-name=sealed,filename=${image},read-only=on,locking=off`;

  it('takes no write, and is what it was when the VM has ended', async () => {
    await attack({ config: { qemuArguments: ['-blockdev', drive, '-device', 'virtio-blk-pci,drive=sealed'] } }, 'vda');
  });

  it.skipIf(!existsSync(KATA_KERNEL))('the same as persistent memory', async () => {
    const backend = `memory-backend-file,id=pmem0,share=on,readonly=on,mem-path=${image},size=128M`;
    const qemuArguments = [
      ...['-machine', 'nvdimm=on', '-m', 'slots=2,maxmem=2G', '-object', backend],
      ...['-device', 'nvdimm,id=nvdimm0,memdev=pmem0,unarmed=on'],
    ];
    await attack({ config: { kernel: KATA_KERNEL, qemuArguments } }, 'pmem0');
  });
});
