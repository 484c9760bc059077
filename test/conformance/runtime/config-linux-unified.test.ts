import { expect } from 'vitest';
import { limitsOf } from '../support/limits.ts';
import { section } from '../support/section.ts';

section('config-linux.md#unified', ({ operation }) => {
  operation(
    'each key is a file, and the controllers are switched on',
    async (runtime) => {
      const unified = { 'memory.high': '33554432', 'pids.max': '77', 'cpu.weight': '321' };
      expect(await limitsOf(runtime, { unified }, Object.keys(unified))).toEqual(Object.values(unified));
    },
    { vm: true },
  );

  operation('a controller that is not there is an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux.resources = { unified: { 'nosuch.max': '1' } };
    });
  });

  operation('a file that is not there, or not a file of the cgroup, is an error', async (runtime) => {
    for (const name of ['memory.nosuch', '../cgroup.procs', 'cgroup.procs/x', ''])
      await runtime.refusal((config) => {
        config.linux.resources = { unified: { [name]: '1' } };
      });
  });
});
