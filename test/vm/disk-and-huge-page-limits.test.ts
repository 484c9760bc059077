import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { mount } from '../support/container/container-spec.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;

/** Limits whose controllers the lean kernel has and this machine has not. It has no RDMA devices, so that one counts nothing. */
describe('limits of disks and huge pages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-limits-'));
  writeFileSync(join(folder, 'disk'), Buffer.alloc(4 * MIB));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const disk = `driver=file,node-name=disk,filename=${join(folder, 'disk')},locking=off`;
  const fixture = useVm({
    hasWitness: true,
    config: { qemuArguments: ['-blockdev', disk, '-device', 'virtio-blk-pci,drive=disk'] },
  });
  const ownCgroup = mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'ro', 'nosuid', 'noexec', 'nodev');

  it('are in the files of the container’s own cgroup', async () => {
    const controllers = await fixture.vm.witness('cat /sys/fs/cgroup/cgroup.controllers');
    expect(controllers.split(/\s+/)).toEqual(expect.arrayContaining(['io', 'hugetlb']));
    const numbers = (await fixture.vm.witness('cat /sys/block/vda/dev')).trim();
    const [Major = 0n, Minor = 0n] = numbers.split(':').map(BigInt);
    const throttle = (Rate: bigint) => [{ Major, Minor, Rate }];
    await using container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      mounts: [ownCgroup],
      linux: {
        Resources: {
          BlockIO: {
            ThrottleReadBpsDevice: throttle(1_048_576n),
            ThrottleWriteBpsDevice: throttle(2_097_152n),
            ThrottleReadIOPSDevice: throttle(100n),
            ThrottleWriteIOPSDevice: throttle(200n),
          },
          HugepageLimits: [{ Pagesize: '2MB', Limit: BigInt(4 * MIB) }],
        },
      },
    });
    const { stdout } = await container.execute('cd /sys/fs/cgroup && cat io.max hugetlb.2MB.max');
    expect(stdout.trim().split('\n')).toEqual([
      `${numbers} rbps=1048576 wbps=2097152 riops=100 wiops=200`,
      String(4 * MIB),
    ]);
  });
});
