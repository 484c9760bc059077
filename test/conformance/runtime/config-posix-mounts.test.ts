import { expect } from 'vitest';
import { mount, withUserNamespace } from '../../support/oci-bundle.ts';
import { section } from '../support/section.ts';

const uidMappings = [{ containerID: 0, hostID: 1000, size: 10 }];
const gidMappings = [{ containerID: 0, hostID: 2000, size: 10 }];

section('config.md#posix-platform-mounts', ({ operation }) => {
  operation('idmap: the ids of the source appear as the mapping says', async (runtime) => {
    const { path } = await runtime.bundle('true');
    await runtime.machine.write(`${path}/data/file`, '');
    await runtime.machine.command(['chown', '3:4', `${path}/data/file`]);
    const { stdout } = await runtime.run('stat -c "%u %g" /m/file', (config) => {
      config.mounts.push({ ...mount('/m', 'bind', `${path}/data`, 'bind', 'idmap'), uidMappings, gidMappings });
    });
    expect(stdout).toBe('1003 2004\n');
  });

  operation('idmap without mappings and without a user namespace is an error', async (runtime) => {
    for (const option of ['idmap', 'ridmap'])
      await runtime.refusal((config) => config.mounts.push(mount('/m', 'bind', '/tmp', 'rbind', option)));
  });

  operation('uidMappings without gidMappings are an error, and the other way round', async (runtime) => {
    for (const mappings of [{ uidMappings }, { gidMappings }])
      await runtime.refusal((config) =>
        config.mounts.push({ ...mount('/m', 'bind', '/tmp', 'bind', 'idmap'), ...mappings }),
      );
  });

  operation('idmap without mappings may take those of the user namespace', async (runtime) => {
    const { path } = await runtime.bundle('true');
    await runtime.machine.write(`${path}/data/file`, '');
    await runtime.machine.command(['chmod', '-R', 'a+rX', path]);
    const { stdout } = await runtime.run('stat -c "%u %g" /tmp/file', (config) => {
      withUserNamespace(config);
      config.mounts.push(mount('/tmp', 'bind', `${path}/data`, 'bind', 'idmap'));
    });
    expect(stdout).toBe('0 0\n');
  });

  operation('type may be absent for a bind mount', async (runtime) => {
    const { path } = await runtime.bundle('true');
    await runtime.machine.write(`${path}/file`, 'bound\n');
    const { stdout } = await runtime.run('cat /bound', (config) => {
      config.mounts.push({ destination: '/bound', source: `${path}/file`, options: ['bind'] });
    });
    expect(stdout).toBe('bound\n');
  });
});
