import { mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acquireCacheLock } from '../../../../rootfs-builder/src/cache/cache-lock.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kihon-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('one build at a time holds a lock', async () => {
  const path = join(folder, 'locks/key');
  let holders = 0;
  await Promise.all(
    [1, 2, 3, 4].map(async () => {
      using _lock = await acquireCacheLock(path);
      expect(++holders).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      holders--;
    }),
  );
  expect(readdirSync(join(folder, 'locks'))).toEqual([]);
});

it('the lock of a process that is gone, or of an older one with the same number, is taken over', async () => {
  const path = join(folder, 'key');
  for (const holder of ['999999999 1 a', `${process.pid} 1 a`]) {
    symlinkSync(holder, path);
    using lock = await acquireCacheLock(path);
    expect(readlinkSync(lock.path)).toMatch(new RegExp(`^${process.pid} [0-9]+ [0-9a-f]+$`));
    expect(readlinkSync(lock.path)).not.toBe(holder);
  }
});

it('a lock file of an older version is taken over, one that was never written to as well', async () => {
  const path = join(folder, 'key');
  for (const text of ['999999999 1 a\n', '']) {
    writeFileSync(path, text);
    using lock = await acquireCacheLock(path);
    expect(readlinkSync(lock.path)).toContain(String(process.pid));
  }
  expect(readdirSync(folder)).toEqual([]);
});

it('waiting ends when the build is interrupted, and tells for whom it waits', async () => {
  const path = join(folder, 'key');
  using _held = await acquireCacheLock(path);
  const interruption = new AbortController();
  const told: number[] = [];
  const waiting = acquireCacheLock(path, { signal: interruption.signal, onWait: (pid) => told.push(pid) });
  setTimeout(() => interruption.abort(new Error('stop')), 20);
  await expect(waiting).rejects.toThrow('stop');
  expect(told).toEqual([process.pid]);
});
