import { parse } from 'smol-toml';
import { describe, expect, it, test } from 'vitest';
import { kataDropIn } from '../../../../host/kata/drop-in.ts';
import type { KataAssets } from '../../../../host/kata/guest-assets.ts';
import { HYPERVISORS } from '../../../../host/kata/hypervisors.ts';

const assets: KataAssets = {
  kernel: '/opt/k "x"\\y',
  initrd: '/opt/i',
  image: { path: '/opt/d', rootType: 'erofs', verity: 'root_hash=ab,salt=cd' },
};

describe.each(HYPERVISORS)('the drop-in for $title', (hypervisor) => {
  it('names the kernel and one root, and empties the other, whatever is in the path', () => {
    const { kernel, initrd } = assets;
    const root =
      hypervisor.root === 'initrd'
        ? { initrd, image: '' }
        : { image: '/opt/d', initrd: '', rootfs_type: 'erofs', kernel_verity_params: 'root_hash=ab,salt=cd' };
    expect(parse(kataDropIn(hypervisor, assets))).toEqual({ hypervisor: { [hypervisor.table]: { kernel, ...root } } });
  });
});

test('a class that needs an image has no drop-in without one', () => {
  const fc = HYPERVISORS.find(({ name }) => name === 'fc');
  expect(() => fc && kataDropIn(fc, { ...assets, image: undefined })).toThrow(/Firecracker boots from an image/);
});
