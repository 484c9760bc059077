import { expect, test } from 'vitest';
import {
  guestLayout,
  runtimeFolder,
  servedHypervisors,
  type BuiltGuest,
  type BuiltKernel,
} from '../../../../host/kata/layout.ts';
import { HYPERVISORS } from '../../../../host/kata/hypervisors.ts';

const kernelOf = (name: string): BuiltKernel => ({
  version: '6.12.90',
  vmlinux: `/b/vmlinux${name}`,
  vmlinuz: `/b/vmlinuz${name}`,
  config: `/b/config${name}`,
  systemMap: `/b/map${name}`,
});
const guest: BuiltGuest = {
  kernel: kernelOf(''),
  initrd: '/b/initrd',
  image: { path: '/b/image', rootType: 'erofs', verity: '' },
  version: '1.2.3',
};

test('files carry their versions, and stable links lead to them', () => {
  const { files, links, assets } = guestLayout(guest, '/opt/kata');
  const share = 'share/kata-containers';
  expect(Object.fromEntries(files.map(({ from, to }) => [from, to]))).toEqual({
    '/b/vmlinux': `${share}/vmlinux-6.12.90-kihon`,
    '/b/vmlinuz': `${share}/vmlinuz-6.12.90-kihon`,
    '/b/config': `${share}/config-6.12.90-kihon`,
    '/b/map': `${share}/System.map-6.12.90-kihon`,
    '/b/initrd': `${share}/kata-kihon-1.2.3.initrd`,
    '/b/image': `${share}/kata-kihon-1.2.3.image`,
  });
  expect(Object.fromEntries(links.map(({ to, target }) => [to, target]))).toEqual({
    [`${share}/vmlinux-kihon.container`]: 'vmlinux-6.12.90-kihon',
    [`${share}/vmlinuz-kihon.container`]: 'vmlinuz-6.12.90-kihon',
    [`${share}/kata-containers-initrd-kihon.img`]: 'kata-kihon-1.2.3.initrd',
    [`${share}/kata-containers-kihon.img`]: 'kata-kihon-1.2.3.image',
  });
  // What a configuration names is one of the links.
  const named = links.map(({ to }) => `/opt/kata/${to}`);
  expect(named).toEqual(expect.arrayContaining([assets.kernel, assets.initrd, assets.image?.path]));
});

test('the names of Kata’s own assets are taken only when asked for', () => {
  const plain = ['vmlinux.container', 'vmlinuz.container', 'kata-containers.img', 'kata-containers-initrd.img'];
  const names = (isDefault: boolean): string[] =>
    guestLayout(guest, '/p', isDefault).links.map(({ to }) => to.replace(/.*\//, ''));
  expect(names(false).filter((name) => plain.includes(name))).toEqual([]);
  expect(
    names(true)
      .filter((name) => plain.includes(name))
      .sort(),
  ).toEqual([...plain].sort());
});

test('variants lie beside, with the suffixes of Kata, and a measured image with its root hash', () => {
  const variants: BuiltGuest = {
    ...guest,
    image: { path: '/b/image', rootType: 'ext4', verity: 'root_hash=ab' },
    kernelVariants: { debug: kernelOf('-debug') },
    initrdVariants: { confidential: '/b/initrd-confidential' },
    imageVariants: { confidential: { path: '/b/image-confidential', rootType: 'erofs', verity: 'root_hash=cd' } },
  };
  const { files, links, texts, assets } = guestLayout(variants, '/p', true);
  const share = 'share/kata-containers';
  const target = (name: string): string | undefined => links.find(({ to }) => to === `${share}/${name}`)?.target;
  expect(target('vmlinux-kihon-debug.container')).toBe('vmlinux-6.12.90-kihon-debug');
  expect(target('vmlinuz-debug.container')).toBe('vmlinuz-6.12.90-kihon-debug');
  expect(files.map(({ to }) => to)).toContain(`${share}/System.map-6.12.90-kihon-debug`);
  expect(target('kata-containers-initrd-kihon-confidential.img')).toBe('kata-kihon-1.2.3-confidential.initrd');
  expect(target('kata-containers-confidential.img')).toBe('kata-kihon-1.2.3-confidential.image');
  expect(texts).toEqual([
    { text: 'root_hash=ab\n', to: `${share}/root_hash_kihon.txt` },
    { text: 'root_hash=cd\n', to: `${share}/root_hash_kihon-confidential.txt` },
  ]);
  expect(target('root_hash_base.txt')).toBe('root_hash_kihon.txt');
  expect(target('root_hash_confidential.txt')).toBe('root_hash_kihon-confidential.txt');
  // Drop-ins name the plain ones.
  expect(assets.kernel).toBe('/p/share/kata-containers/vmlinux-kihon.container');
  expect(assets.image).toEqual({
    path: '/p/share/kata-containers/kata-containers-kihon.img',
    rootType: 'ext4',
    verity: 'root_hash=ab',
  });
});

test('without an image only hypervisors that boot an initrd are served, each in a folder of its own', () => {
  const { assets } = guestLayout({ ...guest, image: undefined }, '/p');
  expect(servedHypervisors(assets).map(({ name }) => name)).toEqual(['qemu', 'clh']);
  expect(new Set(HYPERVISORS.map(runtimeFolder)).size).toBe(HYPERVISORS.length);
});
