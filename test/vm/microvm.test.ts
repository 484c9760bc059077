import { describe, expect, it } from 'vitest';
import { tscFrequencyKhz } from '../../host/vm/tsc-frequency.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { findKernel } from '../support/vm/guest-assets.ts';
import { describeSmoke } from '../support/vm/smoke.ts';
import { TestVm } from '../support/vm/test-vm.ts';
import { SANDBOX_STORAGES } from '../support/vm/vm-fixture.ts';

if (findKernel('lean') === undefined)
  describe('a guest on the microvm machine', () => {
    it.skip('needs the lean kernel: make kernel', () => undefined);
  });
else {
  describeSmoke('a guest on the microvm machine, with virtio-mmio', { machine: 'microvm', kernel: 'lean' });

  describe('a microvm', () => {
    it.skipIf(tscFrequencyKhz() === undefined)('has a clock that is finer than a tick', async () => {
      await using vm = await TestVm.boot({ machine: 'microvm', kernel: 'lean' });
      const client = await vm.connect();
      await client.call('CreateSandbox', { sandbox_id: 'clock', storages: SANDBOX_STORAGES });
      const file = '/sys/devices/system/clocksource/clocksource0/current_clocksource';
      const { stdout } = await TestContainer.run(client, { root: vm.root, run: `cat ${file}` });
      expect(stdout).toMatch(/^tsc(-early)?\n$/);
    });

    it('is ended by the host once its agent is gone', async () => {
      await using vm = await TestVm.boot({ machine: 'microvm', kernel: 'lean' });
      const client = await vm.connect();
      await client.call('DestroySandbox', {});
      await vm.vm.powerOff();
      expect((await vm.vm.exited).signal).not.toBe('SIGKILL');
    });
  });
}
