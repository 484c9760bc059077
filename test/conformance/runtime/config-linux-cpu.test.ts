import { expect } from 'vitest';
import { limitsOf } from '../support/limits.ts';
import { section } from '../support/section.ts';

section('config-linux.md#cpu', ({ operation }) => {
  const cases: readonly (readonly [string, Record<string, unknown>, Record<string, string>])[] = [
    ['quota and period', { quota: 50_000, period: 200_000 }, { 'cpu.max': '50000 200000' }],
    ['quota without a limit', { quota: -1, period: 200_000 }, { 'cpu.max': 'max 200000' }],
    ['burst', { quota: 50_000, period: 100_000, burst: 10_000 }, { 'cpu.max.burst': '10000' }],
    ['cpus', { cpus: '0' }, { 'cpuset.cpus': '0' }],
    ['mems', { mems: '0' }, { 'cpuset.mems': '0' }],
    ['idle', { idle: 1 }, { 'cpu.idle': '1' }],
  ];
  for (const [title, cpu, files] of cases)
    operation(
      title,
      async (runtime) => {
        expect(await limitsOf(runtime, { cpu }, Object.keys(files))).toEqual(Object.values(files));
      },
      { vm: true },
    );

  operation(
    'more shares are more weight',
    async (runtime) => {
      const [low] = await limitsOf(runtime, { cpu: { shares: 128 } }, ['cpu.weight']);
      const [high] = await limitsOf(runtime, { cpu: { shares: 4096 } }, ['cpu.weight']);
      expect(Number(low)).toBeLessThan(Number(high));
    },
    { vm: true },
  );

  operation(
    'burst above quota is an error',
    async (runtime) => {
      await runtime.refusal((config) => {
        config.linux.resources = { cpu: { quota: 10_000, period: 100_000, burst: 20_000 } };
      });
    },
    { vm: true },
  );

  operation('CPUs that do not exist are an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux.resources = { cpu: { cpus: '4000' } };
    });
  });

  operation(
    'what cgroup v2 cannot do is an error: realtimeRuntime',
    async (runtime) => {
      await runtime.refusal((config) => {
        config.linux.resources = { cpu: { realtimeRuntime: 950_000, realtimePeriod: 1_000_000 } };
      });
    },
    { vm: true },
  );
});
