import { expect } from 'vitest';
import { withoutNamespace } from '../../support/oci-bundle.ts';
import { section } from '../support/section.ts';

section('config.md#domainname', ({ promise }) => {
  promise('domainname is what processes in the container see', async (runner) => {
    const { stdout } = await runner.run('cat /proc/sys/kernel/domainname', (config) => {
      config.domainname = 'foobarbaz.test';
    });
    expect(stdout).toBe('foobarbaz.test\n');
  });

  promise('domainname without a uts namespace of its own is an error', async (runner) => {
    await runner.refusal((config) => {
      withoutNamespace(config, 'uts');
      config.domainname = 'foobarbaz.test';
    });
  });
});
