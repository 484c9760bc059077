import { describe, expect, it, test } from 'vitest';
import { nvdimmRoom, rootArguments, rootParameters, type GuestRoot } from '../../../../host/vm/guest-root.ts';

const MIB = 1 << 20;
const initrd: GuestRoot = { kind: 'initrd', path: '/i' };

function disk(attachment: 'virtio-blk' | 'nvdimm', parameters: readonly string[]): GuestRoot {
  return { kind: 'disk', path: '/a,b', attachment, sizeBytes: 128 * MIB, parameters };
}

const ext4 = ['root=/dev/vda1', 'rootflags=data=ordered,errors=remount-ro', 'ro', 'rootfstype=ext4'];
const erofs = ['root=/dev/vda1', 'ro', 'rootfstype=erofs'];
const measured = [
  'dm-mod.create="r,,,ro,0 8 verity 1 /dev/vda1 /dev/vda2"',
  'root=/dev/dm-0',
  'ro',
  'rootfstype=erofs',
];

test('an initrd needs no parameters and no room', () => {
  expect(rootParameters(initrd)).toEqual([]);
  expect(rootArguments(initrd, 'q35')).toEqual(['-initrd', '/i']);
  expect(nvdimmRoom(initrd, 256)).toEqual({ machine: '', memory: '' });
});

describe('a disk', () => {
  it('keeps the parameters of its builder on virtio, whatever the file system', () => {
    for (const parameters of [ext4, erofs, measured])
      expect(rootParameters(disk('virtio-blk', parameters))).toEqual(parameters);
  });

  it('is read in place as an NVDIMM, from the device of that name', () => {
    expect(rootParameters(disk('nvdimm', ext4))).toEqual([
      'root=/dev/pmem0p1',
      'rootflags=dax,data=ordered,errors=remount-ro',
      'ro',
      'rootfstype=ext4',
    ]);
    expect(rootParameters(disk('nvdimm', erofs))).toEqual([
      'root=/dev/pmem0p1',
      'ro',
      'rootfstype=erofs',
      'rootflags=dax',
    ]);
    expect(rootParameters(disk('nvdimm', ['root=/dev/vda', 'ro', 'rootfstype=xfs']))[0]).toBe('root=/dev/pmem0');
  });

  it('is measured as an NVDIMM too, where pages come from the mapped device and not in place', () => {
    const [create = '', ...rest] = rootParameters(disk('nvdimm', measured));
    expect(create).toContain('/dev/pmem0p1 /dev/pmem0p2');
    expect(rest).toEqual(measured.slice(1));
  });

  it.each([
    ['q35', 'virtio-blk-pci'],
    ['microvm', 'virtio-blk-device'],
    ['virt', 'virtio-blk-pci'],
  ] as const)('cannot be written to on %s', (machine, device) => {
    const words = rootArguments(disk('virtio-blk', ext4), machine);
    expect(words.join(' ')).toContain('read-only=on');
    expect(words.join(' ')).toContain(`${device},drive=root0`);
    expect(words.join(' ')).toContain('file.filename=/a,,b');
  });

  it('as an NVDIMM has its exact size, and the machine has room for it', () => {
    const root = disk('nvdimm', ext4);
    expect(rootArguments(root, 'q35').join(' ')).toMatch(
      /mem-path=\/a,,b,size=134217728,share=off,readonly=on .*unarmed=on/,
    );
    expect(nvdimmRoom(root, 256)).toEqual({ machine: ',nvdimm=on', memory: ',slots=2,maxmem=1408M' });
  });
});
