import { expect } from 'vitest';
import { withoutNamespace } from '../../support/oci-bundle.ts';
import { section } from '../support/section.ts';

section('config.md#hostname', ({ promise, operation }) => {
  promise('hostname is what processes in the container see', async (runner) => {
    const { stdout } = await runner.run('hostname; cat /proc/sys/kernel/hostname', (config) => {
      config.hostname = 'mrs-dalloway';
    });
    expect(stdout).toBe('mrs-dalloway\nmrs-dalloway\n');
  });

  operation('hostname does not change the one outside', async (runtime) => {
    const name = async (): Promise<string> =>
      (await runtime.machine.command(['cat', '/proc/sys/kernel/hostname'])).stdout;
    const before = await name();
    await runtime.run('true', (config) => {
      config.hostname = 'mrs-dalloway';
    });
    expect(await name()).toBe(before);
  });

  promise('hostname without a uts namespace of its own is an error', async (runner) => {
    await runner.refusal((config) => {
      withoutNamespace(config, 'uts');
      config.hostname = 'mrs-dalloway';
    });
  });

  promise('a hostname that is too long for the kernel is an error', async (runner) => {
    await runner.refusal((config) => {
      config.hostname = 'x'.repeat(65);
    });
  });
});
