import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alpineBase } from '../../../../rootfs-builder/src/bases/alpine/alpine-base.ts';
import { compareApkVersions, satisfies } from '../../../../rootfs-builder/src/bases/alpine/apk-version.ts';
import type { BaseSpec } from '../../../../rootfs-builder/src/recipe/recipe.ts';
import { readText } from '../../../../rootfs-builder/src/tree/read-text.ts';
import type { ApkPlan } from './alpine-repository.ts';
import { makeApkRepository } from './alpine-repository.ts';
import { Workshop } from './base-support.ts';

const plans: ApkPlan[] = [
  {
    name: 'alpine-base',
    depends: 'busybox so:libc.musl-x86_64.so.1',
    files: [{ name: 'etc/os-release', data: 'ID=alpine\nVERSION_ID=0\n' }],
  },
  {
    name: 'musl',
    provides: 'so:libc.musl-x86_64.so.1=1',
    files: [{ name: 'lib/ld-musl-x86_64.so.1', data: 'libc', mode: 0o755 }],
  },
  {
    name: 'busybox',
    depends: '!toybox',
    script: true,
    files: [
      { name: 'bin/busybox', data: 'program', mode: 0o755 },
      { name: 'etc/busybox-paths.d/busybox', data: 'bin/ls\nbin/sh\n../evil\n' },
    ],
  },
  { name: 'toybox', script: true },
  {
    name: 'docs',
    installIf: 'musl=1.0-r0 busybox',
    files: [{ name: 'usr/share/man/x', data: 'x' }, { name: 'usr/bin/doc' }],
  },
  { name: 'old', version: '1.2-r0' },
  { name: 'old', version: '1.10-r0' },
  { name: 'needy', depends: 'old>2' },
  { name: 'lost', depends: 'needy' },
];

const spec = (mirror: string, keys: string | undefined, more: Partial<BaseSpec> = {}): BaseSpec => ({
  kind: 'alpine',
  suite: 'v0',
  mirrors: [mirror],
  ...(keys === undefined ? { unsigned: true } : { keys: [keys] }),
  ...more,
});

describe('alpine', () => {
  it('is made of packages and what they need, in a signed repository', async () => {
    using shop = new Workshop();
    const { mirror, keys } = makeApkRepository(shop.path('repo'), plans);
    const base = await alpineBase(spec(mirror, keys), shop.context());
    expect(base.packages.map(({ name }) => name)).toEqual(['alpine-base', 'busybox', 'docs', 'musl']);
    expect(base.packages[3]).toMatchObject({ license: 'MIT', purl: 'pkg:apk/alpine/musl@1.0-r0?arch=x86_64' });
    expect(await readText(base.tree, 'lib/ld-musl-x86_64.so.1')).toBe('libc');
    expect(base.tree.get('bin/ls')).toMatchObject({ kind: 'symlink', target: '/bin/busybox' });
    expect(base.tree.get('usr/share/man')).toBeUndefined();
    expect(await readText(base.tree, 'etc/apk/world')).toBe('alpine-base\n');
    expect(base.notes).toEqual([]);
  });

  it('takes the newest version that fits and says which scripts were not run', async () => {
    using shop = new Workshop();
    const { mirror, keys } = makeApkRepository(shop.path('repo'), plans);
    const base = await alpineBase(spec(mirror, keys, { packages: ['old<2', 'toybox'] }), shop.context());
    expect(base.packages.map(({ name, version }) => `${name} ${version}`)).toEqual(['old 1.10-r0', 'toybox 1.0-r0']);
    expect(base.notes).toEqual(['alpine: scripts of these packages were not run: toybox']);
  });

  it.each([
    [['nothing'], 'package nothing: no package has this name or provides it'],
    [['lost'], 'package old>2 (needed by needy, needed by lost): there is old 1.2-r0; old 1.10-r0'],
    [['busybox', 'toybox'], 'package busybox: does not go with toybox'],
  ])('%j is refused with the reason', async (packages, message) => {
    using shop = new Workshop();
    const { mirror, keys } = makeApkRepository(shop.path('repo'), plans);
    await expect(alpineBase(spec(mirror, keys, { packages }), shop.context())).rejects.toThrow(message);
  });

  it('refuses an index that another key signed, and one that was changed', async () => {
    using shop = new Workshop();
    const { mirror } = makeApkRepository(shop.path('repo'), plans);
    const other = makeApkRepository(shop.path('other'), []);
    await expect(alpineBase(spec(mirror, other.keys), shop.context())).rejects.toThrow(
      'the signature by test.rsa.pub is wrong',
    );
    writeFileSync(shop.path('k.pub'), 'x');
    await expect(alpineBase(spec(mirror, shop.path('k.pub')), shop.context())).rejects.toThrow('base.keys has k.pub');
    await expect(alpineBase({ kind: 'alpine', suite: 'v0', mirrors: [mirror] }, shop.context())).rejects.toThrow(
      'base.keys: is missing',
    );
  });

  it('refuses a package that is not the one of the index', async () => {
    using shop = new Workshop();
    const { mirror, keys } = makeApkRepository(shop.path('repo'), plans);
    const place = shop.path('repo/v0/main/x86_64/musl-1.0-r0.apk');
    const bytes = readFileSync(place);
    for (const at of [20, bytes.length - 30]) {
      const spoilt = Buffer.from(bytes);
      spoilt[at] = (spoilt[at] ?? 0) ^ 1;
      writeFileSync(place, spoilt);
      await expect(alpineBase(spec(mirror, keys, { packages: ['musl'] }), shop.context())).rejects.toThrow(
        'package musl-1.0-r0',
      );
    }
    writeFileSync(place, bytes.subarray(0, 100));
    await expect(alpineBase(spec(mirror, keys, { packages: ['musl'] }), shop.context())).rejects.toThrow(
      '100 bytes, not the',
    );
  });

  it('a package with a name that leads outside is refused', async () => {
    using shop = new Workshop();
    const { mirror, keys } = makeApkRepository(shop.path('repo'), [{ name: 'evil', files: [{ name: '../x' }] }]);
    await expect(alpineBase(spec(mirror, keys, { packages: ['evil'] }), shop.context())).rejects.toThrow(
      'names with ".." are refused',
    );
  });

  it('orders versions as apk does', () => {
    const sorted = ['1.0_alpha1', '1.0_rc1', '1.0', '1.0_p1', '1.0a', '1.05', '1.1', '1.1-r1', '1.2.1', '1.10', '2'];
    expect([...sorted].reverse().sort(compareApkVersions)).toEqual(sorted);
    expect([
      satisfies('1.2.3', '~', '1.2'),
      satisfies('1.20', '~', '1.2'),
      satisfies('1.2-r0', '>=', '1.2-r1'),
    ]).toEqual([true, false, false]);
  });
});
