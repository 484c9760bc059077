import { expect } from 'vitest';
import { limitsOf } from '../support/limits.ts';
import { section } from '../support/section.ts';

section('config-linux.md#pids', ({ operation }) => {
  for (const [limit, expected] of [
    [32, '32'],
    [-1, 'max'],
  ] as const)
    operation(
      `limit ${limit}`,
      async (runtime) => {
        expect(await limitsOf(runtime, { pids: { limit } }, ['pids.max'])).toEqual([expected]);
      },
      { vm: true },
    );

  operation(
    'no more tasks than the limit',
    async (runtime) => {
      const { stdout, stderr } = await runtime.run(
        'for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; echo end',
        (config) => {
          config.linux.resources = { pids: { limit: 5 } };
        },
      );
      expect(stdout + stderr).toMatch(/fork/);
    },
    { vm: true },
  );
});
