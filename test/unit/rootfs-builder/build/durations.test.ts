import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { Durations } from '../../../../rootfs-builder/src/build/durations.ts';
import { estimate } from '../../../../rootfs-builder/src/build/progress-view.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-durations-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('how long a step took is known to the next build', async () => {
  expect((await Durations.read(folder)).expected('base debian')).toBe(0);
  await (await Durations.read(folder)).note('base debian', 1234.4);
  await (await Durations.read(folder)).note('guest', 5);
  const known = await Durations.read(folder);
  expect([known.expected('base debian'), known.expected('guest'), known.expected('constructor')]).toEqual([1234, 5, 0]);
});

it('a damaged memory of it costs the estimate and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
      writeFileSync(join(folder, 'durations.json'), text);
      const known = await Durations.read(folder);
      expect(known.expected('guest')).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 50 },
  );
});

it('an estimate comes from what is done, else from the last time, and is left out when it is over', () => {
  expect(estimate(10_000, 0.25, 0)).toBe('10.0 s of about 40.0 s');
  expect(estimate(10_000, undefined, 30_000)).toBe('10.0 s of about 30.0 s');
  expect(estimate(10_000, 0.01, 30_000)).toBe('10.0 s of about 30.0 s');
  expect(estimate(31_000, undefined, 30_000)).toBe('31.0 s');
  expect(estimate(90_000, undefined, 0)).toBe('1:30 min');
});
