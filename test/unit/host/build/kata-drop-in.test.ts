import { parse } from 'smol-toml';
import { expect, test } from 'vitest';
import { kataDropIn } from '../../../../host/build/kata-drop-in.ts';

test('names kernel and initrd and empties the image, whatever is in the path', () => {
  const assets = { kernel: '/opt/k "x"\\y', initrd: '/opt/i' };
  expect(parse(kataDropIn(assets))).toEqual({ hypervisor: { qemu: { ...assets, image: '' } } });
});
