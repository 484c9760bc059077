import { expect } from 'vitest';
import { shell } from '../../support/oci-machine.ts';
import { limitsOf } from '../support/limits.ts';
import { section } from '../support/section.ts';

section('config-linux.md#huge-page-limits', ({ operation }) => {
  operation(
    'limit of a page size',
    async (runtime) => {
      if ((await shell(runtime.machine, 'grep -c hugetlb /sys/fs/cgroup/cgroup.controllers || true')) === '0') return;
      const hugepageLimits = [{ pageSize: '2MB', limit: 4 << 20 }];
      expect(await limitsOf(runtime, { hugepageLimits }, ['hugetlb.2MB.max'])).toEqual([String(4 << 20)]);
    },
    { vm: true },
  );

  operation('a page size that does not exist is an error', async (runtime) => {
    for (const pageSize of ['3MB', '2', '', '../2MB'])
      await runtime.refusal((config) => {
        config.linux.resources = { hugepageLimits: [{ pageSize, limit: 0 }] };
      });
  });
});
