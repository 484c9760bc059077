/** The same bytes whatever surrounds the build, and nothing left behind when it fails. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Format, FormatRequest } from '../../../rootfs-builder/src/format/format.ts';
import { writeFormat } from '../../../rootfs-builder/src/format/write-format.ts';
import { runProgram } from '../../../rootfs-builder/src/programs/run-program.ts';
import { FileTree } from '../../../rootfs-builder/src/tree/file-tree.ts';
import { noise, richTree } from '../../unit/rootfs-builder/rich-tree.ts';
import { run } from './support.ts';

const execute = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, '../../..');
const program = `"${process.execPath}" --import tsx "${join(here, 'build-all.ts')}"`;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kihon-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('every format', () => {
  it('has the same bytes under another path, umask, time zone, locale and clock', async () => {
    const surroundings = [
      { path: 'a', umask: '022', env: { TZ: 'UTC', LC_ALL: 'C', LANG: 'C' } },
      {
        path: 'deeper/in ä place',
        umask: '077',
        env: { TZ: 'Pacific/Kiritimati', LC_ALL: 'de_DE.UTF-8', LANG: 'tr_TR', MKE2FS_CONFIG: '/dev/null' },
      },
    ];
    const sums: string[] = [];
    for (const { path, umask, env } of surroundings) {
      const target = join(folder, path);
      await mkdir(target, { recursive: true });
      const command = `umask ${umask}; exec ${program} "${target}"`;
      await execute('sh', ['-c', command], { cwd: repository, env: { PATH: process.env.PATH, ...env } });
      sums.push(await run('sh', '-c', `cd "${target}" && find . -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum`));
    }
    expect(sums[0]?.split('\n').length).toBeGreaterThan(50);
    expect(sums[1]).toBe(sums[0]);
  });

  it('says that the disk is full, and leaves nothing', async () => {
    for (const name of ['initrd.gz', 'root.tar', 'oci', 'root.ext4', 'root.erofs', 'disk.img']) {
      const target = join(folder, 'full');
      await mkdir(target, { recursive: true });
      // The mount lives in a namespace of its own, and ends with it.
      const script = `mount -t tmpfs -o size=40k tmpfs "${target}" && { ${program} "${target}" ${name}; status=$?; ls -A "${target}"; exit $status; }`;
      const outcome = await execute('unshare', ['-m', 'sh', '-c', script], { cwd: repository }).then(
        () => ({ code: 0, stdout: '', stderr: '' }),
        (error: unknown) => error as { code: number; stdout: string; stderr: string },
      );
      expect([name, outcome.code, outcome.stdout]).toEqual([name, 1, '']);
      expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
      expect(outcome.stderr).toMatch(/ENOSPC|[Nn]o space|too small|ended with/);
    }
  });
});

describe('a build that cannot succeed', () => {
  const MIB = 1024 * 1024;
  const attempt = async (kind: Format, options: Partial<FormatRequest>): Promise<unknown> => {
    const target = join(folder, 'refused');
    const request = { tree: richTree(), output: join(target, 'image'), sourceDateEpoch: 0, architecture: 'x86_64' };
    const outcome = await writeFormat(kind, { ...request, ...options }).catch((error: unknown) => error);
    expect(await readdir(target).catch(() => [])).toEqual([]);
    return outcome;
  };
  const large = new FileTree().file('large', noise(12 * MIB));

  it.each<[string, Format, Partial<FormatRequest>, RegExp]>([
    ['ext4 of 4 MiB', 'ext4', { tree: large, sizeBytes: 4 * MIB }, /too small|[Nn]o (free )?space|debugfs|mkfs/],
    [
      'erofs of 1 MiB',
      'erofs',
      { tree: large, sizeBytes: MIB },
      /^erofs: the tree takes \d+ bytes; 1048576 are given$/,
    ],
    [
      'xfs of 100 MiB',
      'xfs',
      { tree: large, sizeBytes: 100 * MIB },
      /^xfs: a file system of \d+ bytes; mkfs.xfs makes none/,
    ],
    [
      'a disk of 10 MiB',
      'disk',
      { tree: large, sizeBytes: 10 * MIB },
      /^disk: the tree of \d+ bytes does not fit a disk/,
    ],
    ['a disk of half a MiB', 'disk', { sizeBytes: MIB / 2 }, /no multiple of 1 MiB/],
    ['a time before 1970', 'tar', { sourceDateEpoch: -1 }, /^source date epoch -1: not a time/],
    ['an odd alignment', 'disk', { alignmentBytes: 3 * MIB }, /power of two/],
    ['an extension without name', 'extension', {}, /it needs a name/],
    ['an extension with a long name', 'extension', { extensionName: 'far-too-long' }, /1 to 10 letters/],
    ['an initrd with lz4', 'initrd', { compression: 'lz4' }, /^initrd: compression "lz4" is that of erofs/],
    ['an erofs with gzip', 'erofs', { compression: 'gzip' }, /^erofs: compression "gzip" is that of archives/],
    ['an ext4 with lz4', 'disk', { compression: 'lz4' }, /^ext4: it has no compression/],
    [
      'DAX of compressed files',
      'disk',
      { rootType: 'erofs', compression: 'lz4', dax: true },
      /cannot be read in place/,
    ],
    ['an option of another format', 'initrd', { dax: true }, /^format initrd: it has no option "dax"$/],
    ['a bad variant', 'erofs', { verity: { variant: '../../x' } }, /variant/],
    ['a deletion in a layer', 'oci', { tree: new FileTree().file('a/.wh.b', '') }, /mean a deletion/],
    [
      'a missing host file',
      'ext4',
      { tree: new FileTree().hostFile('a', '/does/not/exist', 5) },
      /^read \/does\/not\/exist: ENOENT$/,
    ],
    ['links beyond ext4', 'ext4', { tree: manyLinks(65_001) }, /65001 hard links; 65000 are possible/],
  ])('is refused in one line, and leaves nothing: %s', async (_, kind, options, message) => {
    const outcome = await attempt(kind, options);
    expect(outcome).toMatchObject({ name: 'BuildError' });
    expect((outcome as Error).message).toMatch(message);
    expect((outcome as Error).message).not.toContain('\n');
  });

  it('leaves nothing when it is interrupted', async () => {
    for (const kind of ['initrd', 'oci', 'ext4', 'erofs', 'disk'] as const) {
      const controller = new AbortController();
      const report = (): void => controller.abort(new Error('interrupted'));
      expect(await attempt(kind, { tree: large, signal: controller.signal, report })).toMatchObject({
        message: 'interrupted',
      });
    }
  });

  it('names the package of a program that is missing', async () => {
    await expect(runProgram('mkfs.nonesuch', [])).rejects.toThrow(
      'mkfs.nonesuch: program not found; on Debian: apt-get install mkfs.nonesuch',
    );
  });
});

function manyLinks(names: number): FileTree {
  const tree = new FileTree().file('f', 'x');
  for (let index = 1; index < names; index++) tree.link(`l/${index}`, 'f');
  return tree;
}
