/** The judge of an image is the kernel: it mounts each format, and boots from it with the parameters that we print. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { busyboxTree } from '../../rootfs-builder/src/busybox/busybox-root.ts';
import type { Format, FormatRequest, WrittenImage } from '../../rootfs-builder/src/format/format.ts';
import { writeFormat } from '../../rootfs-builder/src/format/write-format.ts';
import type { FileTree } from '../../rootfs-builder/src/tree/file-tree.ts';
import { findKernel } from '../support/vm/guest-assets.ts';
import { compressibleTree, holeyBytes, noise, richTree } from '../unit/rootfs-builder/rich-tree.ts';

const kernel = findKernel('lean');
/** The lean kernel reads no compressed files. */
const withZip = findKernel('kata');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kihon-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(
  name: string,
  kind: Format,
  tree: FileTree,
  options: Partial<FormatRequest> = {},
): Promise<WrittenImage> {
  const fixed = { sourceDateEpoch: 1_700_000_000, architecture: 'x86_64' };
  return await writeFormat(kind, { ...fixed, tree, output: join(folder, name), ...options });
}

/** Boots a PC with these disks and gives its console; the guest powers itself off. */
async function boot(
  parameters: readonly string[],
  disks: readonly string[],
  initrd?: string,
  path = kernel?.path,
): Promise<string> {
  const drives = disks.flatMap((name) => ['-drive', `file=${folder}/${name},format=raw,if=virtio,readonly=on`]);
  const { stdout } = await promisify(execFile)('timeout', [
    ...['200', 'qemu-system-x86_64', '-machine', 'q35,accel=tcg', '-cpu', 'max', '-m', '512', '-nodefaults'],
    ...['-no-reboot', '-display', 'none', '-serial', 'stdio', '-kernel', path ?? ''],
    ...(initrd === undefined ? [] : ['-initrd', join(folder, initrd)]),
    ...['-append', ['console=ttyS0 quiet no_timer_check panic=1', ...parameters].join(' '), ...drives],
  ]);
  return stdout.replaceAll('\r', '');
}

const MOUNT_ALL = `#!/bin/sh
mount -t devtmpfs none /dev
for where in "ext4 vda" "erofs vdb" "erofs vdc" "erofs vdd1"; do
  set -- $where
  mount -t $1 -o ro /dev/$2 /m || echo "FAILED $where"
  echo "== $where"
  cd /m
  sha256sum usr/share/holey usr/bin/ping6
  stat -c '%n %a %u %g %h %Y %F %t %T' tmp dev/vda home/user/huge-id usr/bin/exact usr/bin/su usr/bin/ping run/socket usr
  readlink usr/long-link | wc -c
  cat usr/lib/many/* | wc -l
  cd /
  umount /m
done
poweroff -f
`;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const EXPECTED = [
  `${sha256(holeyBytes())}  usr/share/holey`,
  `${sha256(noise(70_000))}  usr/bin/ping6`,
  'tmp 1777 0 0 2 1700000000 directory 0 0',
  'dev/vda 660 0 6 1 1700000000 block special file fe 12c',
  'home/user/huge-id 644 4000000000 3000000000 1 1700000000 regular file 0 0',
  'usr/bin/exact 755 0 0 1 1000000000 regular file 0 0',
  'usr/bin/su 4755 0 0 1 1700000000 regular file 0 0',
  'usr/bin/ping 755 0 0 2 1700000000 regular file 0 0',
  'run/socket 755 0 0 1 1700000000 socket 0 0',
  'usr 755 0 0 5 1700000000 directory 0 0',
  '202',
  '300',
];

describe.skipIf(kernel === undefined)('the guest kernel', { timeout: 300_000 }, () => {
  it('mounts each file system and sees what the tree holds', async () => {
    const tree = richTree({ socket: true });
    await write('a', 'ext4', tree);
    await write('b', 'erofs', tree);
    await write('c', 'erofs', tree, { dax: false });
    await write('d', 'disk', tree, { rootType: 'erofs', dax: false });
    const root = (await busyboxTree()).dir('m').file('init', MOUNT_ALL, { mode: 0o755 });
    await write('initrd', 'initrd', root);
    const text = await boot([], ['a', 'b', 'c', 'd'], 'initrd');
    for (const where of ['ext4 vda', 'erofs vdb', 'erofs vdc', 'erofs vdd1']) {
      const lines = text.slice(text.indexOf(`== ${where}\n`)).split('\n');
      expect([where, ...lines.slice(1, 1 + EXPECTED.length)]).toEqual([where, ...EXPECTED]);
    }
  });

  it.skipIf(withZip === undefined)('reads compressed files as they were', async () => {
    const tree = compressibleTree();
    // Ends and beginnings of extents at many places.
    const cases = Array.from({ length: 60 }, (_, index) => `case-${index}`);
    for (const [index, name] of cases.entries()) {
      const parts = [
        noise(index * 97, index + 1),
        Buffer.alloc(index * 1500 + 4000, name),
        noise((index % 7) * 1300, 99),
      ];
      tree.file(`usr/share/${name}`, Buffer.concat([...parts, ...parts.slice(0, 1 + (index % 3))]));
    }
    await write('z', 'erofs', tree, { compression: 'lz4' });
    await write('y', 'disk', tree, { rootType: 'erofs', compression: 'lz4' });
    const files = ['text', 'same', 'mixed', 'exact', 'one-byte-more', 'linked', 'holey', ...cases];
    const script = ['#!/bin/sh', 'mount -t devtmpfs none /dev'];
    for (const device of ['vda', 'vdb1'])
      script.push(
        `mount -t erofs -o ro /dev/${device} /m && cd /m/usr/share && sha256sum ${files.join(' ')}`,
        // Another order, and from the middle.
        'echo 3 >/proc/sys/vm/drop_caches; tail -c 1000 text | sha256sum; dd if=mixed bs=1 skip=33333 count=999 2>/dev/null | sha256sum',
        'cd /; umount /m',
      );
    const root = (await busyboxTree())
      .dir('m')
      .dir('proc')
      .file('init', [...script, 'poweroff -f\n'].join('\n'), { mode: 0o755 });
    await write('initrd-z', 'initrd', root);
    const text = await boot([], ['z', 'y'], 'initrd-z', withZip?.path);
    const bytesOf = (name: string): Uint8Array => {
      const entry = tree.get(name === 'linked' ? 'usr/share/text' : `usr/share/${name}`);
      return entry?.kind === 'file' && entry.content.kind === 'bytes' ? entry.content.bytes : new Uint8Array(0);
    };
    const expected = [
      ...files.map((name) => `${sha256(bytesOf(name))}  ${name}`),
      `${sha256(bytesOf('text').slice(-1000))}  -`,
      `${sha256(bytesOf('mixed').slice(33_333, 34_332))}  -`,
    ];
    expect(text.split('\n').filter((line) => /^[0-9a-f]{64} /.test(line))).toEqual([...expected, ...expected]);
  });

  it.each<[string, Format, Partial<FormatRequest>, RegExp]>([
    ['a bare ext4', 'ext4', {}, /^\/dev\/root \/ ext4 ro/m],
    ['a bare erofs', 'erofs', {}, /^\/dev\/root \/ erofs ro/m],
    ['a disk with DAX header and ext4', 'disk', {}, /^\/dev\/root \/ ext4 ro/m],
    ['a measured disk with ext4', 'disk', { verity: { variant: 'e' } }, /^\/dev\/root \/ ext4 ro/m],
    [
      'a measured disk with erofs',
      'disk',
      { rootType: 'erofs', verity: { variant: 'f' } },
      /^\/dev\/root \/ erofs ro/m,
    ],
  ])('boots from %s with the parameters that were printed', async (_, kind, options, expected) => {
    const script = '#!/bin/sh\nmount -t proc none /proc; cat /proc/mounts; echo end; poweroff -f\n';
    const tree = (await busyboxTree()).file('init', script, { mode: 0o755 });
    const { kernelParameters } = await write('root', kind, tree, options);
    const text = await boot([...kernelParameters, 'init=/init'], ['root']);
    expect(text).toMatch(expected);
    expect(text).toMatch(/^end$/m);
  });
});
