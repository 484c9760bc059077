import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ociBase } from '../../../../rootfs-builder/src/bases/oci/oci-base.ts';
import { readText } from '../../../../rootfs-builder/src/tree/read-text.ts';
import { paxHeader, paxRecord, tarArchive } from '../archive/tar-support.ts';
import { Workshop } from './base-support.ts';
import { digestOf, dockerArchive, makeLayout } from './oci-layout.ts';

const lower = tarArchive(
  { name: 'bin/', type: '5', mode: 0o755 },
  { name: 'bin/tool', data: 'tool', mode: 0o4755 },
  { name: 'bin/same', type: '1', link: 'bin/tool' },
  { name: 'gone', data: 'gone' },
);
const upper = tarArchive(
  { name: '.wh.gone' },
  paxHeader(paxRecord('uid', '2000000000'), paxRecord('SCHILY.xattr.user.x', 'y')),
  { name: 'mine', data: 'upper' },
);

describe('an OCI image', () => {
  it('is its layers one on the other, with owners, attributes and links', async () => {
    using shop = new Workshop();
    for (const isCompressed of [true, false]) {
      const folder = shop.path(`layout-${isCompressed}`);
      makeLayout(folder, [{ layers: [lower, upper], isCompressed }]);
      const { tree } = await ociBase({ path: folder }, shop.context());
      expect(tree.entries().map(({ path }) => path)).toEqual(['.', 'bin', 'bin/same', 'bin/tool', 'mine']);
      expect(tree.get('bin/tool')).toMatchObject({ mode: 0o4755 });
      expect(tree.get('bin/same')).toMatchObject({ kind: 'link', target: 'bin/tool' });
      expect(tree.get('mine')).toMatchObject({ uid: 2_000_000_000, xattrs: new Map([['user.x', Buffer.from('y')]]) });
    }
  });

  it('is chosen by platform and by name', async () => {
    using shop = new Workshop();
    const image = (text: string) => [tarArchive({ name: 'which', data: text })];
    makeLayout(shop.path('l'), [
      { layers: image('amd64'), architecture: 'amd64' },
      { layers: image('arm64'), architecture: 'arm64' },
    ]);
    const which = async (options: object, architecture = 'x86_64') =>
      readText((await ociBase({ path: shop.path('l'), ...options }, shop.context(architecture))).tree, 'which');
    expect([await which({}), await which({}, 'aarch64'), await which({ platform: 'linux/arm64' })]).toEqual([
      'amd64',
      'arm64',
      'arm64',
    ]);
    await expect(which({}, 's390x')).rejects.toThrow('no image for linux/s390x; there is linux/amd64, linux/arm64');
    makeLayout(shop.path('n'), [
      { layers: image('one'), name: 'v1' },
      { layers: image('two'), name: 'v2' },
    ]);
    const named = await ociBase({ path: shop.path('n'), reference: 'v2' }, shop.context());
    expect(await readText(named.tree, 'which')).toBe('two');
    await expect(ociBase({ path: shop.path('n'), reference: 'v3' }, shop.context())).rejects.toThrow(
      'no image "v3"; there is v1, v2',
    );
  });

  it('is refused when a layer is not what its digest says', async () => {
    using shop = new Workshop();
    const other = gzipSync(tarArchive({ name: 'evil' }));
    makeLayout(shop.path('l'), [{ layers: [lower, upper] }], (blob, index) => (index === 1 ? other : blob));
    await expect(ociBase({ path: shop.path('l') }, shop.context())).rejects.toThrow(
      /layer blobs\/sha256\/.*: its digest is sha256:/,
    );
  });

  it.each([
    ['a digest that leads outside', { digest: 'sha256:../../../etc/passwd', size: 1 }, 'malformed digest'],
    ['an unknown digest', { digest: 'md5:00', size: 1 }, 'no digest of sha256 or sha512'],
    ['a manifest that is not there', { digest: `sha256:${'0'.repeat(64)}`, size: 1 }, 'ENOENT'],
    ['no size', { digest: `sha256:${'0'.repeat(64)}` }, 'has no size'],
  ])('%s is refused', async (_what, manifest, message) => {
    using shop = new Workshop();
    makeLayout(shop.path('l'), []);
    writeFileSync(shop.path('l/index.json'), JSON.stringify({ manifests: [manifest] }));
    await expect(ociBase({ path: shop.path('l') }, shop.context())).rejects.toThrow(message);
  });

  it('in the folder of a Docker archive names files of that folder only', async () => {
    using shop = new Workshop();
    const hidden = tarArchive({ name: 'secret' });
    mkdirSync(shop.path('d'));
    writeFileSync(shop.path('secret.tar'), hidden);
    const config = JSON.stringify({ rootfs: { diff_ids: [digestOf(hidden)] } });
    for (const folder of ['d', '.']) writeFileSync(shop.path(`${folder}/config.json`), config);
    for (const [name, layer] of [
      ['config.json', '../secret.tar'],
      ['config.json', shop.path('secret.tar')],
      ['../config.json', 'layer.tar'],
    ] as const) {
      writeFileSync(shop.path('d/manifest.json'), JSON.stringify([{ Config: name, RepoTags: [], Layers: [layer] }]));
      await expect(ociBase({ path: shop.path('d') }, shop.context())).rejects.toThrow('leads outside the image');
    }
  });

  it('comes as an archive of Docker too, compressed or not, and as a layout in one', async () => {
    using shop = new Workshop();
    const archive = dockerArchive([lower, upper], 'app:1');
    for (const [name, bytes] of [
      ['a.tar', archive],
      ['a.tar.gz', gzipSync(archive)],
    ] as const) {
      writeFileSync(shop.path(name), bytes);
      const { tree } = await ociBase({ path: shop.path(name), reference: 'app:1' }, shop.context());
      expect(await readText(tree, 'mine')).toBe('upper');
    }
    await expect(ociBase({ path: shop.path('a.tar'), reference: 'b' }, shop.context())).rejects.toThrow(
      'no such image',
    );
    writeFileSync(shop.path('cut.tar'), readFileSync(shop.path('a.tar')).subarray(0, 1600));
    await expect(ociBase({ path: shop.path('cut.tar') }, shop.context())).rejects.toThrow('cut off');
  });
});
