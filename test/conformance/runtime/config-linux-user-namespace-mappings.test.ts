import { expect } from 'vitest';
import { withUserNamespace } from '../../support/oci-bundle.ts';
import { section } from '../support/section.ts';

section('config-linux.md#user-namespace-mappings', ({ operation }) => {
  operation('uidMappings and gidMappings are those of the namespace', async (runtime) => {
    const { stdout } = await runtime.run('cat /proc/self/uid_map /proc/self/gid_map', (config) => {
      withUserNamespace(config);
      config.linux.uidMappings = [
        { containerID: 0, hostID: 100_000, size: 1000 },
        { containerID: 5000, hostID: 300_000, size: 10 },
      ];
      config.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 2000 }];
    });
    expect(stdout.split('\n').map((line) => line.trim().split(/\s+/).join(' '))).toEqual([
      '0 100000 1000',
      '5000 300000 10',
      '0 200000 2000',
      '',
    ]);
  });

  operation('process.user is an id of the container', async (runtime) => {
    const container = await runtime.create('sleep 100', (config) => {
      withUserNamespace(config);
      config.process.user = { uid: 1000, gid: 1001 };
    });
    await container.start();
    const { pid } = await container.state();
    const status = await runtime.machine.read(`/proc/${pid}/status`);
    expect(status).toMatch(/^Uid:\s+101000\s+101000\s+101000\s+101000$/m);
    expect(status).toMatch(/^Gid:\s+101001\s/m);
    await container.end();
  });

  operation('root in the container is not root outside: a file of root cannot be written', async (runtime) => {
    const { stderr } = await runtime.run('echo x >/owned', (config) => {
      withUserNamespace(config);
    });
    expect(stderr).toContain('Permission denied');
  });

  operation('the ownership of the file systems is not changed', async (runtime) => {
    const container = await runtime.prepare('true', (config) => withUserNamespace(config));
    const root = `${container.bundle.path}/rootfs`;
    const { stdout: before } = await runtime.machine.command(['stat', '-c', '%u %g', root, `${root}/bin/busybox`]);
    await runtime.command(['run', '--bundle', container.bundle.path, container.id]);
    const { stdout: after } = await runtime.machine.command(['stat', '-c', '%u %g', root, `${root}/bin/busybox`]);
    expect(after).toBe(before);
  });

  operation('mappings that overlap are an error', async (runtime) => {
    await runtime.refusal((config) => {
      withUserNamespace(config);
      config.linux.uidMappings = [
        { containerID: 0, hostID: 100_000, size: 1000 },
        { containerID: 500, hostID: 300_000, size: 1000 },
      ];
    });
  });

  operation('a user namespace without mappings is an error', async (runtime) => {
    await runtime.refusal((config) => config.linux.namespaces.push({ type: 'user' }));
  });

  operation('a user that is not mapped is an error', async (runtime) => {
    await runtime.refusal((config) => {
      withUserNamespace(config, 100_000, 1000);
      config.process.user = { uid: 1000, gid: 0 };
    });
  });

  operation('an exec joins the user namespace', async (runtime) => {
    const container = await runtime.create('sleep 100', (config) => withUserNamespace(config));
    await container.start();
    expect((await container.exec('cat /proc/self/uid_map')).stdout.trim().split(/\s+/)).toEqual([
      '0',
      '100000',
      '65536',
    ]);
    await container.end();
  });
});
