import { expect, test } from 'vitest';
import { guestLayout, runtimeFolder, servedHypervisors, type BuiltGuest } from '../../../../host/kata/layout.ts';
import { HYPERVISORS } from '../../../../host/kata/hypervisors.ts';

const guest: BuiltGuest = {
  kernelVersion: '6.12.90',
  vmlinux: '/b/vmlinux',
  vmlinuz: '/b/vmlinuz',
  kernelConfig: '/b/config',
  systemMap: '/b/map',
  initrd: '/b/initrd',
  image: '/b/image',
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
  expect(named).toEqual(expect.arrayContaining([assets.kernel, assets.initrd, assets.image]));
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

test('without an image only hypervisors that boot an initrd are served, each in a folder of its own', () => {
  const { assets } = guestLayout({ ...guest, image: undefined }, '/p');
  expect(servedHypervisors(assets).map(({ name }) => name)).toEqual(['qemu', 'clh']);
  expect(new Set(HYPERVISORS.map(runtimeFolder)).size).toBe(HYPERVISORS.length);
});
