import { describe, expect, it } from 'vitest';
import { parsePciPath } from '../../../../agent/src/codec/pci-path.ts';
import { resolvePciPath } from '../../../../agent/src/guest/device/resolve-pci-path.ts';
import { findVirtioBlock } from '../../../../agent/src/guest/device/virtio-block.ts';
import { FakeKernelFiles } from '../fake-kernel-files.ts';

const ROOT = '/sys/devices/pci0000:00';

/** A q35 guest with a bridge in slot 2, a root port with a bridge in slot 6, and a second root complex. */
function guest(): FakeKernelFiles {
  return new FakeKernelFiles({
    [`${ROOT}/0000:00:02.0/pci_bus/0000:01/power`]: '',
    [`${ROOT}/0000:00:06.0/pci_bus/0000:02/power`]: '',
    [`${ROOT}/0000:00:06.0/0000:02:00.0/pci_bus/0000:03/power`]: '',
    [`${ROOT}/0000:00:07.0/0000:05:00.0/vendor`]: '',
    [`${ROOT}/0000:00:08.0/pci_bus/0000:06/power`]: '',
    [`${ROOT}/0000:00:08.0/pci_bus/0000:07/power`]: '',
    ['/sys/devices/pci0000:20/0000:20:00.0/pci_bus/0000:21/power']: '',
  });
}

describe('resolvePciPath()', () => {
  it.each([
    ['03', '/devices/pci0000:00/0000:00:03.0'],
    ['02/03', '/devices/pci0000:00/0000:00:02.0/0000:01:03.0'],
    ['06/00/01', '/devices/pci0000:00/0000:00:06.0/0000:02:00.0/0000:03:01.0'],
    ['07/00', '/devices/pci0000:00/0000:00:07.0/0000:05:00.0'],
    ['20/00/00', '/devices/pci0000:20/0000:20:00.0/0000:21:00.0'],
  ])('%s', (path, directory) => {
    expect(resolvePciPath(guest(), parsePciPath(path))).toBe(directory);
  });

  it.each(['0a/01', '08/01', '02/03/04'])('fails at once without a usable bridge: %s', (path) => {
    expect(() => resolvePciPath(guest(), parsePciPath(path))).toThrow('no bridge at');
  });

  it('finds the root bus below a platform device', () => {
    const files = new FakeKernelFiles({
      '/sys/devices/platform/4010000000.pcie/pci0000:00/0000:00:02.0/pci_bus/0000:01/power': '',
    });
    expect(resolvePciPath(files, parsePciPath('02/03'))).toBe(
      '/devices/platform/4010000000.pcie/pci0000:00/0000:00:02.0/0000:01:03.0',
    );
  });
});

describe('findVirtioBlock()', () => {
  const directory = '/devices/pci0000:00/0000:00:02.0/0000:01:03.0';
  const sysfs = `/sys${directory}/virtio3/block`;

  it('finds the disk once its node is there', () => {
    const files = guest();
    expect(findVirtioBlock(files, directory)).toBeUndefined();
    files.addDisk(sysfs, 'vdb', 254, 16);
    expect(findVirtioBlock(files, directory)).toEqual({ name: 'vdb', node: '/dev/vdb', major: 254, minor: 16 });
  });

  it('waits for a node that is late or still that of another device', () => {
    const files = guest();
    files.addDisk(sysfs, 'vdb', 254, 16);
    files.nodes.delete('/dev/vdb');
    expect(findVirtioBlock(files, directory)).toBeUndefined();
    files.nodes.set('/dev/vdb', { major: 8, minor: 0 });
    expect(findVirtioBlock(files, directory)).toBeUndefined();
  });

  it('never takes a partition or a network device', () => {
    const files = guest();
    files.addDisk(sysfs, 'vdb', 254, 16);
    files.files.set(`${sysfs}/vdb/vdb1/dev`, '254:17');
    files.files.set(`/sys${directory}/virtio3/net/eth0/ifindex`, '2');
    expect(findVirtioBlock(files, directory)?.name).toBe('vdb');
  });
});
