/**
 * Bad input through the command: status 1, one line that names what is wrong, and nothing left: no output under any name, no temporary
 * folder, no lock, no mount, and not a file outside. ctrl-C and SIGKILL: ended-builds.test.ts.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleKihon, outcomeOf, type Outcome } from '../../support/images/kihon-command.ts';
import { mountsBelow } from '../../support/rootfs/mount-view.ts';
import { tarArchive } from '../../unit/rootfs-builder/archive/tar-support.ts';
import { dockerArchive } from '../../unit/rootfs-builder/bases/oci-layout.ts';
import { noise } from '../../unit/rootfs-builder/rich-tree.ts';

/** Everything is some folders deep, so that what leaves its place is found above it. */
const top = mkdtempSync(join(tmpdir(), 'kihon-bad-'));
const folder = join(top, 'a/b/c');
const out = join(folder, 'out');
const cache = join(folder, 'cache/images');
let kihon = '';

beforeAll(async () => {
  mkdirSync(out, { recursive: true });
  kihon = await bundleKihon(folder);
  const put = (name: string, bytes: Uint8Array | string): void => writeFileSync(join(folder, name), bytes);
  put('agent', Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(99_000, 'a')]));
  put('large', noise(9 << 20));
  put('parent.tar', tarArchive({ name: 'ok', data: 'x' }, { name: '../../../evil', data: 'x' }));
  put('inner-parent.tar.gz', gzipSync(tarArchive({ name: 'a/b/../../../../evil', data: 'x' })));
  put('absolute.tar', tarArchive({ name: join(top, 'evil'), data: 'x' }));
  put('hard-link.tar', tarArchive({ name: 'link', type: '1', link: '../../../a/b/c/agent' }));
  put('newline.tar', tarArchive({ name: 'a\nb', data: 'x' }));
  put(
    'loop.tar',
    tarArchive({ name: 'a', type: '2', link: 'b' }, { name: 'b', type: '2', link: 'a' }, { name: 'a/x', data: 'x' }),
  );
  put('cut.tar', tarArchive({ name: 'x', data: 'x'.repeat(4096) }).subarray(0, 1024));
  put('image.tar', dockerArchive([tarArchive({ name: '../../../evil', data: 'x' })], 'evil:1'));
  mkdirSync(join(folder, 'newline'));
  put('newline/a\nb', '');
  mkdirSync(join(folder, 'loop'));
  symlinkSync('two', join(folder, 'loop/one'));
  symlinkSync('one', join(folder, 'loop/two'));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const everything = (): string[] =>
  readdirSync(top, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('a/b/c/cache/') && !name.endsWith('guest.toml'))
    .sort();
let before: { files: string[] };
beforeEach(() => {
  // What one build left is not the next one's fault.
  for (const place of [out, join(cache, 'tmp'), join(cache, 'locks')]) {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
  }
  before = { files: everything() };
});

async function build(kind: string, recipe: string, wrapper: readonly string[] = [], output = out): Promise<Outcome> {
  writeFileSync(
    join(folder, 'guest.toml'),
    recipe.includes('[agent]') ? recipe : `${recipe}\n[agent]\nbinary = "agent"\n`,
  );
  const command = [process.execPath, kihon, 'build', kind, 'guest.toml', '--json', '--output', join(output, 'guest')];
  return await outcomeOf([...wrapper, ...command], { cwd: folder, env: { KIHON_CACHE: join(folder, 'cache') } });
}

function expectRefused({ status, stderr, stdout }: Outcome, message: string | RegExp): void {
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^kihon: [^\n]+\n$/) as string });
  expect(stderr).toMatch(message);
  expect(stdout).not.toContain('"event":"result"');
  expect(everything()).toEqual(before.files);
  for (const name of ['tmp', 'locks']) {
    const place = join(cache, name);
    expect(readdirSync(place, { recursive: true })).toEqual([]);
  }
  expect(mountsBelow(top)).toEqual([]);
}

const file = (more: string): string => `[[file]]\ntarget = "/x"\n${more}\n`;

describe('one clear error and nothing left:', () => {
  beforeAll(async () => {
    // The folders of the cache are there.
    expect(await build('initrd', '')).toMatchObject({ status: 0 });
  });

  it.each<[what: string, kind: string, recipe: string, message: string | RegExp]>([
    ['an unknown key', 'image', '[output]\nfromat = "disk"', 'output.fromat: unknown key; did you mean format?'],
    ['an unknown table', 'image', '[outputs]\nformat = "disk"', 'outputs: unknown key; did you mean output?'],
    ['an unknown key of a list', 'image', file('sorce = "agent"'), 'file[0].sorce: unknown key; did you mean source?'],
    ['no TOML', 'image', 'base = ', 'guest.toml:1:8: invalid value'],

    ['a missing file', 'image', file('source = "nowhere"'), /file \/x: read .*nowhere: ENOENT/],
    ['a missing agent', 'initrd', '[agent]\nbinary = "nowhere"', /agent\.binary: read .*nowhere: ENOENT/],
    ['a missing base', 'initrd', 'base = "tar:nowhere"', /read .*nowhere: ENOENT/],
    ['a missing folder', 'initrd', 'base = "dir:nowhere"', /nowhere: ENOENT/],
    ['a missing archive', 'initrd', '[[archive]]\nsource = "nowhere"', /read .*nowhere: ENOENT/],
    ['a missing hook', 'initrd', '[hooks]\nprestart = ["nowhere"]', /nowhere: ENOENT/],
    ['a missing policy', 'initrd', '[agent]\nbinary = "agent"\npolicy = "nowhere"', /nowhere: ENOENT/],

    [
      'a file that leaves the root',
      'image',
      '[[file]]\ntarget = "/../x"\ncontent = ""',
      'leaves the root of the guest',
    ],
    ['a folder that leaves it', 'image', '[[directory]]\ntarget = "/a/../../x"', 'leaves the root of the guest'],
    ['a symlink that leaves it', 'image', '[[symlink]]\ntarget = "../x"\nto = "y"', 'leaves the root of the guest'],
    ['a removal that leaves it', 'image', 'remove = ["/../etc"]', 'leaves the root of the guest'],
    [
      'hooks that leave it',
      'image',
      '[hooks]\npath = "/../hooks"\nprestart = ["agent"]',
      'leaves the root of the guest',
    ],

    [
      'a loop of symlinks in the recipe',
      'image',
      '[[symlink]]\ntarget = "/a"\nto = "b"\n[[symlink]]\ntarget = "/b"\nto = "a"\n[[symlink]]\ntarget = "/a/x"\nto = "c"',
      'too many symlinks',
    ],
    ['a loop in an archive', 'image', 'base = "tar:loop.tar"', 'too many symlinks'],
    [
      'a loop in a folder',
      'image',
      'base = "dir:loop"\n[[file]]\ntarget = "/one/x"\ncontent = ""',
      'too many symlinks',
    ],

    ['a newline in a name of a folder', 'initrd', 'base = "dir:newline"', 'contains a newline or NUL'],
    ['in one that is added', 'initrd', file('source = "newline"'), 'contains a newline or NUL'],
    ['in one of an archive', 'initrd', 'base = "tar:newline.tar"', 'contains a newline or NUL'],
    ['in one of the recipe', 'initrd', '[[file]]\ntarget = "/a\\nb"\ncontent = ""', 'contains a newline or NUL'],

    [
      'VMB-11: an archive with a name that leads outside',
      'image',
      'base = "tar:parent.tar"',
      'names with ".." are refused',
    ],
    ['VMB-11: one further in', 'image', '[[archive]]\nsource = "inner-parent.tar.gz"', 'names with ".." are refused'],
    ['VMB-11: an absolute name', 'image', 'base = "tar:absolute.tar"', 'absolute names are refused'],
    ['VMB-11: a hard link to outside', 'image', '[[archive]]\nsource = "hard-link.tar"', 'names with ".." are refused'],
    ['VMB-11: a layer that leads outside', 'image', 'base = "oci:image.tar"', 'names with ".." are refused'],
    ['an archive that ends early', 'image', 'base = "tar:cut.tar"', /cut\.tar: tar: the archive is cut off/],

    [
      'an ext4 that is too small',
      'image',
      '[output]\nformat = "ext4"\nsize = "64K"',
      /^kihon: mkfs\.ext4: .*Not enough space/,
    ],
    [
      'an erofs that is too small',
      'image',
      `[output]\nformat = "erofs"\nsize = "1M"\n${file('source = "large"')}`,
      /^kihon: erofs: the tree takes \d+ bytes; 1048576 are given/,
    ],
    [
      'a disk that is too small',
      'image',
      `[output]\nformat = "disk"\nsize = "10M"\n${file('source = "large"')}`,
      /^kihon: disk: the tree of \d+ bytes does not fit/,
    ],
    ['an xfs that is too small', 'image', '[output]\nformat = "xfs"\nsize = "100M"', /xfs: a file system of \d+ bytes/],
    [
      'a size of odd bytes',
      'image',
      '[output]\nformat = "disk"\nsize = "10.5"',
      'output.size: must be a size such as 256M',
    ],
    ['a format of another kind', 'image', '[output]\nformat = "tar"', 'tar is what "build rootfs" makes'],
  ])('%s', async (_what, kind, recipe, message) => {
    expectRefused(await build(kind, recipe), message);
  });

  /** A small disk at `place`, in a mount namespace of its own; what it holds at the end goes to standard error. */
  const onSmallDisk = (place: string, size: string): string[] => {
    const script =
      'mount -t tmpfs -o size=$1 small "$0" && shift && "$@"; status=$?; find "$0" -mindepth 1 ! -type d -o -path "*/images/tmp/*" >&2; exit $status';
    return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, place, size];
  };

  it.each([
    ['initrd', ''],
    ['rootfs', '[output]\nformat = "oci"'],
    ['image', '[output]\nformat = "ext4"'],
    ['image', '[output]\nformat = "disk"\nfilesystem = "erofs"\nverity = true'],
  ])('a full disk of %s %s', async (kind, output) => {
    const small = mkdtempSync(join(out, 'small-'));
    before.files = everything();
    expectRefused(
      await build(kind, `${file('source = "large"')}${output}`, onSmallDisk(small, '3m'), small),
      /ENOSPC|[Nn]o space|ended with/,
    );
    rmSync(small, { recursive: true });
  });

  it('a full cache', async () => {
    writeFileSync(join(folder, 'large.tar'), tarArchive({ name: 'large', data: noise(9 << 20) }));
    before.files = everything();
    const refused = await build('initrd', 'base = "tar:large.tar"', onSmallDisk(join(folder, 'cache'), '3m'));
    expectRefused(refused, /ENOSPC/);
  });

  it('an output that cannot be: a folder that holds something, a place below a file', async () => {
    mkdirSync(join(out, 'guest'));
    writeFileSync(join(out, 'guest/precious'), 'x');
    before.files = everything();
    expectRefused(await build('initrd', ''), /guest: (EISDIR|ENOTEMPTY|EEXIST)/);
    expectRefused(await build('image', '[output]\nformat = "ext4"'), /guest: (EISDIR|ENOTEMPTY|EEXIST)/);
    rmSync(join(out, 'guest'), { recursive: true });
    before.files = everything();
    expectRefused(await build('initrd', '', [], join(folder, 'agent')), /(ENOTDIR|EEXIST)/);
  });

  it('the check sees what is left behind', () => {
    execFileSync('mkdir', ['-p', join(out, '.guest.1.tmp')]);
    expect(everything()).not.toEqual(before.files);
    rmSync(join(out, '.guest.1.tmp'), { recursive: true });
  });
});
