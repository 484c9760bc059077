import { describe, expect, it } from 'vitest';
import { neverAborted } from '../../../../agent/src/base/abort.ts';
import { silentLogger } from '../../../../agent/src/base/log.ts';
import type { AttachedDevice } from '../../../../agent/src/guest/device/attached-device.ts';
import { DeviceWaiters } from '../../../../agent/src/guest/device/device-waiters.ts';
import { prepareDevices } from '../../../../agent/src/sandbox/devices/prepare-devices.ts';
import { emptyResources, type DeviceRule, type DeviceSpec, type Spec } from '../../../../agent/src/oci/spec.ts';
import { sampleSpec } from '../../oci/sample-spec.ts';
import { FakeKernelFiles } from '../../guest/fake-kernel-files.ts';

const BRIDGE = '/sys/devices/pci0000:00/0000:00:02.0';
const PCI = '/sys/bus/pci/devices';

/** A guest with two virtio disks behind a bridge, one SCSI disk, pmem, and two functions of one IOMMU group. */
function guest(): FakeKernelFiles {
  const files = new FakeKernelFiles({
    [`${BRIDGE}/pci_bus/0000:01/power`]: '',
    [`${BRIDGE}/0000:01:08.0/vendor`]: '',
    [`${BRIDGE}/0000:01:09.0/vendor`]: '',
    '/sys/class/scsi_host/host0/scan': '',
    '/sys/class/block/pmem0/dev': '259:0\n',
    '/sys/class/block/vdz/dev': '254:9\n',
    '/sys/devices/virtual/vfio/7/dev': '241:0\n',
    '/dev/infiniband/uverbs0': '',
    '/dev/infiniband/README': '',
    '/dev/a-file': '',
  });
  files.addDisk(`${BRIDGE}/0000:01:03.0/virtio1/block`, 'vda', 254, 0);
  files.addDisk(`${BRIDGE}/0000:01:04.0/virtio2/block`, 'vdb', 8, 16);
  files.addDisk('/sys/bus/scsi/devices/0:0:0:1/block', 'sda', 8, 0);
  files.nodes.set('/dev/pmem0', { major: 259, minor: 0 });
  files.nodes.set('/dev/vdz', { major: 254, minor: 9 });
  const node = (type: 'c' | 'other', major: number, minor: number) =>
    ({ type, major, minor, mode: 0o600, uid: 0, gid: 5 }) as const;
  files.otherNodes.set('/dev/vfio/7', node('c', 241, 0));
  files.otherNodes.set('/dev/infiniband/uverbs0', node('c', 231, 192));
  files.otherNodes.set('/dev/infiniband/README', node('other', 0, 0));
  files.otherNodes.set('/dev/a-file', node('other', 0, 0));
  for (const address of ['0000:01:08.0', '0000:01:09.0']) files.links.set(`${PCI}/${address}/iommu_group`, '7');
  files.links.set(`${PCI}/0000:01:08.0/driver`, 'mlx5_core');
  files.links.set(`${PCI}/0000:01:09.0/driver`, 'vfio-pci');
  files.onWrite = () => undefined;
  return files;
}

function device(type: string, changes: Partial<AttachedDevice>): AttachedDevice {
  return { type, id: '', vmPath: '', containerPath: '/dev/x', options: [], ...changes };
}

function node(path: string, major: number, minor: number, type: 'b' | 'c' = 'b'): DeviceSpec {
  return { path, type, major, minor, fileMode: 0o660, uid: 0, gid: 0 };
}

function rule(type: DeviceRule['type'], major?: number, minor?: number): DeviceRule {
  const number = (value: number | undefined): bigint | undefined => (value === undefined ? undefined : BigInt(value));
  return { allow: true, type, major: number(major), minor: number(minor), access: 'rw' };
}

function spec(devices: readonly DeviceSpec[], rules: readonly DeviceRule[] = [], env: readonly string[] = []): Spec {
  const plain = sampleSpec();
  return {
    ...plain,
    process: { ...plain.process, env },
    linux: { ...plain.linux, devices, resources: { ...emptyResources, devices: rules } },
  };
}

/** No wait lasts: what is not there now times out. */
function prepare(given: Spec, devices: readonly AttachedDevice[], files = guest()) {
  return prepareDevices(given, devices, {
    files,
    waiters: new DeviceWaiters((_ms, onExpiry) => {
      queueMicrotask(onExpiry);
      return () => undefined;
    }),
    timeoutMs: 3000,
    runBlocking: (_name, work) => Promise.resolve(work()),
    log: silentLogger,
    signal: neverAborted,
  });
}

const numbers = ({ linux }: Spec) => linux.devices.map(({ path, major, minor }) => `${path} ${major}:${minor}`);
const rules = ({ linux }: Spec) =>
  linux.resources.devices.map(({ type, major, minor, access }) => `${type} ${major}:${minor} ${access}`);

describe('prepareDevices()', () => {
  it.each([
    ['blk', { id: '02/03' }, '254:0'],
    ['mmioblk', { vmPath: '/dev/vdz' }, '254:9'],
    ['scsi', { id: '0:1' }, '8:0'],
    ['nvdimm', { vmPath: '/dev/pmem0' }, '259:0'],
  ])('%s gives the spec the numbers of the guest', async (type, changes, expected) => {
    const { spec: result } = await prepare(spec([node('/dev/x', 7, 7)]), [device(type, changes)]);
    expect(numbers(result)).toEqual([`/dev/x ${expected}`]);
    expect(rules(result)).toEqual([`b ${expected} rwm`]);
  });

  it('scans every SCSI host for the one address', async () => {
    const files = guest();
    await prepare(spec([node('/dev/x', 7, 7)]), [device('scsi', { id: '0:1' })], files);
    expect(files.writes).toEqual(['/sys/class/scsi_host/host0/scan=0 0 1']);
  });

  it('rewrites rules by the numbers of the host only, even when two devices swap theirs', async () => {
    const given = spec(
      [node('/dev/a', 8, 16), node('/dev/b', 254, 0), node('/dev/null', 1, 3, 'c')],
      [rule('a'), rule('b', 8, 16), rule('b', 254, 0), rule('c', 8, 16), rule('b', 8)],
    );
    const devices = [
      device('blk', { id: '02/03', containerPath: '/dev/a' }),
      device('blk', { id: '02/04', containerPath: '/dev/b' }),
    ];
    const { spec: result } = await prepare(given, devices);
    expect(numbers(result)).toEqual(['/dev/a 254:0', '/dev/b 8:16', '/dev/null 1:3']);
    expect(rules(result)).toEqual([
      'a undefined:undefined rw',
      'b 254:0 rw',
      'b 8:16 rw',
      'c 8:16 rw',
      'b 8:undefined rw',
      'b 254:0 rwm',
      'b 8:16 rwm',
    ]);
  });

  it.each<[string, Partial<AttachedDevice>, string]>([
    ['', { id: '02/03' }, 'invalid type for device 02/03'],
    ['blk', {}, 'invalid ID and VM path'],
    ['blk', { id: '02/03', containerPath: '' }, 'invalid container path'],
    ['__proto__', { id: 'x' }, 'Failed to find the device handler __proto__'],
    ['blk-ccw', { id: '0.0.0005' }, 'Failed to find the device handler blk-ccw'],
    ['blk', { id: '02/zz' }, 'is not a PCI path'],
    ['blk', { id: '0a/01' }, 'no bridge'],
    ['blk', { id: '02/06' }, 'Timeout after 3s waiting for uevent virtio-blk'],
    ['mmioblk', { id: 'x' }, 'Invalid path for mmioblk'],
    ['mmioblk', { vmPath: '/tmp/vda' }, 'does not start with /dev/'],
    ['mmioblk', { vmPath: '/dev/../tmp/x' }, 'is not the node'],
    ['mmioblk', { vmPath: '/dev/none' }, 'Timeout after 3s'],
    ['scsi', { id: '1' }, 'Unexpected format for SCSI Address'],
    ['scsi', { id: '0:1:2' }, 'Unexpected format for SCSI Address'],
    ['scsi', { id: '256:0' }, 'Unexpected format for SCSI Address'],
    ['scsi', { id: '0:7' }, 'Timeout after 3s waiting for uevent SCSI disk 0:0:0:7'],
    ['nvdimm', { id: 'x' }, 'Invalid path for nvdimm'],
    ['nvdimm', { vmPath: '/dev/pmem9' }, "VM device path /dev/pmem9 doesn't exist"],
    ['nvdimm', { vmPath: '/dev/a-file' }, 'neither a block nor a character device'],
    ['vfio-pci', { id: 'g' }, 'failed to get VFIO group'],
    ['vfio-pci', { id: 'g', options: ['0000:3b:00.0'] }, 'Malformed VFIO PCI option'],
    ['vfio-pci', { id: 'g', options: ['0000:3b:00.0=02=03'] }, 'Malformed VFIO PCI option'],
    ['vfio-pci', { id: 'g', options: ['3b:00.0=02/08'] }, 'Malformed VFIO PCI option'],
    ['vfio-pci-gk', { id: 'g', options: ['0000:3b:00.0=02/08', '0000:3B:00.0=02/09'] }, 'comes twice'],
    ['vfio-pci-gk', { id: 'g', options: ['0000:3b:00.0=02/0a'] }, 'Timeout after 3s'],
  ])('refuses %j %j: %s', async (type, changes, message) => {
    const refused = prepare(spec([node('/dev/x', 7, 7)]), [device(type, changes)]);
    await expect(refused).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining(message) as string,
    });
  });

  it('checks every device before it waits for the first', async () => {
    const files = guest();
    const devices = [device('scsi', { id: '0:1' }), device('nope', { id: 'x' })];
    await expect(prepare(spec([node('/dev/x', 7, 7)]), devices, files)).rejects.toThrow('nope');
    expect(files.writes).toEqual([]);
  });

  it('refuses contradictions', async () => {
    const twice = [device('blk', { id: '02/03' }), device('blk', { id: '02/04' })];
    await expect(prepare(spec([node('/dev/x', 7, 7)]), twice)).rejects.toThrow('Conflicting device updates');
    await expect(prepare(spec([]), twice.slice(1))).rejects.toThrow('Missing devices in OCI spec: /dev/x');
    const other = [device('blk', { id: '02/03' }), device('blk', { id: '02/04', containerPath: '/dev/y' })];
    const same = spec([node('/dev/x', 7, 7), node('/dev/y', 7, 7)]);
    await expect(prepare(same, other)).rejects.toThrow('Conflicting resource updates');
    await expect(prepare(spec([node('/dev/x', 7, 7, 'c')]), twice.slice(1))).rejects.toThrow('has type c');
  });

  it('vfio-pci binds the functions and gives the container the node of their group', async () => {
    const files = guest();
    const options = ['0000:3b:00.0=02/08', '0000:3b:00.1=02/09', '0000:3b:00.2='];
    const given = spec([node('/dev/vfio/16', 10, 1, 'c')], [rule('c', 10, 1)]);
    const group = device('vfio-pci', { id: '16', containerPath: '/dev/vfio/16', options });
    const { spec: result } = await prepare(given, [group], files);
    expect(numbers(result)).toEqual(['/dev/vfio/7 241:0', '/dev/infiniband/uverbs0 231:192']);
    expect(rules(result)).toEqual(['c 241:0 rw', 'c 241:0 rwm', 'c 231:192 rwm']);
    expect(files.writes).toEqual([
      `${PCI}/0000:01:08.0/driver_override=vfio-pci`,
      `${PCI}/0000:01:08.0/driver/unbind=0000:01:08.0`,
      '/sys/bus/pci/drivers_probe=0000:01:08.0',
      `${PCI}/0000:01:09.0/driver_override=vfio-pci`,
    ]);
  });

  it('vfio-pci needs one IOMMU group', async () => {
    const files = guest();
    files.links.set(`${PCI}/0000:01:09.0/iommu_group`, '8');
    const group = device('vfio-pci', { id: '16', options: ['0000:3b:00.0=02/08', '0000:3b:00.1=02/09'] });
    await expect(prepare(spec([node('/dev/x', 7, 7, 'c')]), [group], files)).rejects.toThrow(
      'not in guest IOMMU group 7',
    );
    files.links.delete(`${PCI}/0000:01:08.0/iommu_group`);
    await expect(prepare(spec([node('/dev/x', 7, 7, 'c')]), [group], files)).rejects.toThrow('has no IOMMU group');
  });

  it('vfio-pci-gk only translates addresses, of all devices together, for init and for execs', async () => {
    const files = guest();
    const env = [
      'PATH=/bin',
      'PCIDEVICE_A=0000:3b:00.0,0000:3B:00.1',
      'PCIDEVICE_A_INFO={"0000:3b:00.0":{"a":"0000:3b:00.1"},"0000:99:00.0":{}}',
      'PCIDEVICE_B=0000:3b:00.0,0000:99:00.0',
      'PCIDEVICE_B_INFO=0000:3b:00.0',
      'PCIDEVICE_C=mdev-1',
      'OTHER=0000:3b:00.0',
    ];
    const expected = [
      'PATH=/bin',
      'PCIDEVICE_A=0000:01:08.0,0000:01:09.0',
      'PCIDEVICE_A_INFO={"0000:01:08.0":{"a":"0000:01:09.0"},"0000:99:00.0":{}}',
      ...env.slice(3),
    ];
    const devices = ['0000:3b:00.0=02/08', '0000:3b:00.1=02/09'].map((option, index) =>
      device('vfio-pci-gk', { id: String(index), options: [option] }),
    );
    const prepared = await prepare(spec([], [], env), [...devices, device('vfio-pci-gk', { id: 'none' })], files);
    expect(prepared.spec.process.env).toEqual(expected);
    expect(prepared.rewriteEnvironment?.(env)).toEqual(expected);
    expect(files.writes).toEqual([]);
    expect(numbers(prepared.spec)).toEqual(['/dev/infiniband/uverbs0 231:192']);
  });
});
