import { existsSync } from 'node:fs';
import { expect } from 'vitest';
import { section } from '../support/section.ts';

const skip = existsSync('/proc/self/numa_maps') ? undefined : 'this kernel has no NUMA';

section('config-linux.md#memory-policy', ({ promise }) => {
  for (const [policy, shown] of [
    [{ mode: 'MPOL_BIND', nodes: '0' }, 'bind:0'],
    [{ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, 'interleave=static:0'],
    [{ mode: 'MPOL_PREFERRED', nodes: '0' }, 'prefer:0'],
    [{ mode: 'MPOL_LOCAL' }, 'local'],
    [{ mode: 'MPOL_DEFAULT' }, 'default'],
  ] as const)
    promise(
      `mode ${policy.mode}`,
      async (runner) => {
        const { stdout } = await runner.run('cat /proc/self/numa_maps', (config) => {
          config.linux['memoryPolicy'] = policy;
        });
        expect(stdout).toContain(` ${shown} `);
      },
      { skip },
    );

  promise('modes, nodes and flags that do not exist or do not fit are an error', async (runner) => {
    for (const policy of [
      { mode: 'MPOL_NOSUCH' },
      { mode: 'MPOL_BIND', nodes: 'x' },
      { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_NOSUCH'] },
      { mode: 'MPOL_BIND' },
      { mode: 'MPOL_DEFAULT', nodes: '0' },
    ])
      await runner.refusal((config) => {
        config.linux['memoryPolicy'] = policy;
      });
  });
});
