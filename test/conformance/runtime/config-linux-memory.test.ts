import { expect } from 'vitest';
import { limitsOf } from '../support/limits.ts';
import { section } from '../support/section.ts';

const MIB = 1 << 20;

section('config-linux.md#memory', ({ operation }) => {
  const cases: readonly (readonly [string, Record<string, unknown>, Record<string, string>])[] = [
    ['limit', { limit: 64 * MIB }, { 'memory.max': String(64 * MIB) }],
    ['limit -1 is unlimited', { limit: -1 }, { 'memory.max': 'max' }],
    ['reservation', { limit: 64 * MIB, reservation: 32 * MIB }, { 'memory.low': String(32 * MIB) }],
    ['swap is memory and swap together', { limit: 64 * MIB, swap: 96 * MIB }, { 'memory.swap.max': String(32 * MIB) }],
    ['swap -1 is unlimited', { limit: 64 * MIB, swap: -1 }, { 'memory.swap.max': 'max' }],
  ];
  for (const [title, memory, files] of cases)
    operation(
      title,
      async (runtime) => {
        expect(await limitsOf(runtime, { memory }, Object.keys(files))).toEqual(Object.values(files));
      },
      { vm: true },
    );

  operation(
    'a program that takes more is killed',
    async (runtime) => {
      const { status } = await runtime.run('tail /dev/zero', (config) => {
        config.linux.resources = { memory: { limit: 16 * MIB, swap: 16 * MIB } };
      });
      expect(status).not.toBe(0);
    },
    { vm: true },
  );

  operation('swap below limit is an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux.resources = { memory: { limit: 64 * MIB, swap: 32 * MIB } };
    });
  });

  operation(
    'what cgroup v2 cannot do is an error: disableOOMKiller',
    async (runtime) => {
      await runtime.refusal((config) => {
        config.linux.resources = { memory: { disableOOMKiller: true } };
      });
    },
    { vm: true },
  );
});
