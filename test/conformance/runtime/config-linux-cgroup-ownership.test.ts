import { expect } from 'vitest';
import { mount, withUserNamespace } from '../../support/oci-bundle.ts';
import { CGROUPS } from '../support/limits.ts';
import { section } from '../support/section.ts';

section('config-linux.md#cgroup-ownership', ({ operation }) => {
  for (const [title, isWritable, owner] of [
    ['goes to the user when the cgroup file system is writable', true, '100000'],
    ['stays when the cgroup file system is read-only', false, '0'],
  ] as const)
    operation(
      `the owner ${title}`,
      async (runtime) => {
        const container = await runtime.create('sleep 100', (config) => {
          withUserNamespace(config);
          config.linux.namespaces.push({ type: 'cgroup' });
          const options = ['nosuid', 'noexec', 'nodev', ...(isWritable ? [] : ['ro'])];
          config.mounts.push(mount('/sys/fs/cgroup', 'cgroup', 'cgroup', ...options));
        });
        const folder = `${CGROUPS}/${container.id}`;
        const files = [
          folder,
          `${folder}/cgroup.procs`,
          `${folder}/cgroup.subtree_control`,
          `${folder}/cgroup.threads`,
        ];
        const { stdout } = await runtime.machine.command(['stat', '-c', '%u', ...files]);
        expect(stdout.trim().split('\n')).toEqual([owner, owner, owner, owner]);
        // Whoever owns the limits could raise them.
        const { stdout: limit } = await runtime.machine.command(['stat', '-c', '%u', `${folder}/pids.max`]);
        expect(limit.trim()).toBe('0');
        await container.end();
      },
      { vm: true },
    );
});
