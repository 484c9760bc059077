import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { mount } from '../support/container/container-spec.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { amount } from '../support/long.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const MIB = 1 << 20;
/** Synthetic events of one storm, and from how many processes at once. */
const EVENTS = amount(8000, 100_000);
const WRITERS = 4;
const SLOT = '1d';
const VOLUME = '/run/kata-containers/sandbox/storage/late';

describe('LIV-07: a storm of device events', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-late-'));
  const image = join(folder, 'disk');
  mkdirSync(join(folder, 'content'));
  writeFileSync(join(folder, 'content/name'), 'late\n');
  writeFileSync(image, '');
  truncateSync(image, 16 * MIB);
  execFileSync('/sbin/mke2fs', ['-F', '-q', '-t', 'ext4', '-d', join(folder, 'content'), image]);
  afterAll(() => rmSync(folder, { recursive: true }));

  const drive = `driver=file,node-name=late,filename=${image},locking=off`;
  const device = `virtio-blk-pci,drive=late,bus=pcie.0,addr=0x${SLOT}`;
  const fixture = useVm({
    hasWitness: true,
    cpus: 2,
    kernelParameters: ['agent.hotplug_timeout=60'],
    config: { qemuArguments: ['-blockdev', drive, '-device', device] },
  });
  const storage = { driver: 'blk', source: SLOT, fstype: 'ext4', mount_point: VOLUME };
  /** All writers begin at once, and `during` happens while they write. */
  const storm = (during: string): Promise<string> =>
    fixture.vm.witness(`
      storm() { i=0; while [ $i -lt ${EVENTS / WRITERS} ]; do echo add > /sys/class/mem/null/uevent; i=$((i+1)); done; }
      w=0; while [ $w -lt ${WRITERS} ]; do storm & w=$((w+1)); done
      sleep 0.2; ${during}
      wait; echo sent`);
  const take = `echo 1 > /sys/bus/pci/devices/0000:00:${SLOT}.0/remove`;
  const bring = 'echo 1 > /sys/bus/pci/rescan';

  // The first wait opens a socket that stays.
  beforeAll(async () => {
    const options = { root: fixture.root, run: 'exit 0', request: { storages: [storage] } };
    expect(await TestContainer.run(fixture.client, options)).toMatchObject({ status: 0 });
    await fixture.vm.witness(take);
    await fixture.checks.rebase();
  }, 120_000);

  it('does not hide the device that a request waits for', async () => {
    const created = TestContainer.start(fixture.client, {
      root: fixture.root,
      run: 'cat /vol/name; sleep 600',
      mounts: [mount('/vol', VOLUME, 'bind', 'rbind', 'ro')],
      request: { storages: [storage] },
    });
    expect(await storm(bring)).toBe('sent\n');
    const container = await created;
    expect(await container.read()).toBe('late\n');
    // With a container that has the device, and nobody who waits.
    expect(await storm('true')).toBe('sent\n');
    await fixture.checks.alive();
    await container.remove();
    await fixture.vm.witness(take);
  });

  it('leaves nothing of a request that waits in vain', async () => {
    const { client, root } = fixture;
    const waits = Array.from({ length: 8 }, () => {
      const wait = client.call('AddSwap', { PCIPath: [0x1e] }, { timeoutMs: 5000 });
      return expectStatus(wait, ['deadline_exceeded', 'internal']);
    });
    expect(await storm('true')).toBe('sent\n');
    await Promise.all(waits);
    expect(await TestContainer.run(client, { root, run: 'echo after' })).toMatchObject({ stdout: 'after\n' });
  });
});
