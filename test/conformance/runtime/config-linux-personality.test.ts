import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('config-linux.md#personality', ({ promise, operation }) => {
  promise('LINUX32 shows a 32 bit machine', async (runner) => {
    const { stdout } = await runner.run('uname -m', (config) => {
      config.linux['personality'] = { domain: 'LINUX32' };
    });
    expect(stdout).toMatch(/^(i686|armv\w+)\n$/);
  });

  promise('LINUX shows the machine as it is', async (runner) => {
    const { stdout } = await runner.run('uname -m', (config) => {
      config.linux['personality'] = { domain: 'LINUX' };
    });
    expect(stdout).toMatch(/^(x86_64|aarch64)\n$/);
  });

  operation('an exec has it as well', async (runtime) => {
    const container = await runtime.create('sleep 100', (config) => {
      config.linux['personality'] = { domain: 'LINUX32' };
    });
    await container.start();
    expect((await container.exec('uname -m')).stdout).toMatch(/^(i686|armv\w+)\n$/);
    await container.end();
  });

  promise('an unknown domain, and any flag, is an error', async (runner) => {
    for (const personality of [
      { domain: 'WINDOWS' },
      { domain: '' },
      { domain: 'LINUX', flags: ['ADDR_NO_RANDOMIZE'] },
    ])
      await runner.refusal((config) => {
        config.linux['personality'] = personality;
      });
  });
});
