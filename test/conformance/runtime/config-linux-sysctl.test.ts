import { expect } from 'vitest';
import { withoutNamespace } from '../../support/oci-bundle.ts';
import { section } from '../support/section.ts';

section('config-linux.md#sysctl', ({ promise, operation }) => {
  promise('parameters of the namespaces are set', async (runner) => {
    const files = '/proc/sys/net/ipv4/ip_forward /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmni';
    const { stdout } = await runner.run(`cat ${files}`, (config) => {
      config.linux.sysctl = { 'net.ipv4.ip_forward': '1', 'net.core.somaxconn': '256', 'kernel.shmmni': '100' };
    });
    expect(stdout).toBe('1\n256\n100\n');
  });

  promise('a parameter that does not exist is an error', async (runner) => {
    await runner.refusal((config) => {
      config.linux.sysctl = { 'net.core.no_such_parameter': '1' };
    });
  });

  promise('a value that the kernel refuses is an error', async (runner) => {
    await runner.refusal((config) => {
      config.linux.sysctl = { 'net.core.somaxconn': 'many' };
    });
  });

  promise("a parameter of the machine's is an error", async (runner) => {
    for (const name of ['kernel.panic', 'vm.swappiness', 'fs.file-max', 'kernel/../vm/swappiness'])
      await runner.refusal((config) => {
        config.linux.sysctl = { [name]: '1' };
      });
  });

  operation('a parameter of a namespace that is not its own is an error', async (runtime) => {
    await runtime.refusal((config) => {
      withoutNamespace(config, 'network');
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys');
      config.linux.sysctl = { 'net.core.somaxconn': '256' };
    });
  });
});
