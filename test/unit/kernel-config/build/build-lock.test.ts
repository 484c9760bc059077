import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acquireBuildLock } from '../../../../kernel-config/src/build/build-lock.ts';

describe('acquireBuildLock()', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-lock-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test('holds the lock for one block only', async () => {
    const path = join(folder, 'sub', 'x.lock');
    {
      await using lock = await acquireBuildLock(path);
      expect(await readFile(lock.path, 'utf8')).toBe(`${process.pid}\n`);
      await expect(acquireBuildLock(path)).rejects.toThrow(`another kernel build is running (pid ${process.pid}`);
    }
    expect(existsSync(path)).toBe(false);
  });

  test('takes over the lock of a process that is gone, and an unreadable one', async () => {
    for (const content of ['4194303\n', 'nonsense', '']) {
      const path = join(folder, 'x.lock');
      await writeFile(path, content);
      await using lock = await acquireBuildLock(path);
      expect(await readFile(lock.path, 'utf8')).toBe(`${process.pid}\n`);
    }
  });
});
