import { describe, expect, it } from 'vitest';
import { findKernel } from '../support/vm/guest-assets.ts';
import { describeSmoke } from '../support/vm/smoke.ts';
import { TestVm } from '../support/vm/test-vm.ts';

if (findKernel('lean') === undefined)
  describe('a guest on the microvm machine', () => {
    it.skip('needs the lean kernel: make kernel', () => undefined);
  });
else {
  describeSmoke('a guest on the microvm machine, with virtio-mmio', { machine: 'microvm', kernel: 'lean' });

  describe('a microvm', () => {
    it('is ended by the host once its agent is gone', async () => {
      await using vm = await TestVm.boot({ machine: 'microvm', kernel: 'lean' });
      const client = await vm.connect();
      await client.call('DestroySandbox', {});
      await vm.vm.powerOff();
      expect((await vm.vm.exited).signal).not.toBe('SIGKILL');
    });
  });
}
