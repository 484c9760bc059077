import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitCodeOfSignal } from '../../../../host/sdk/exit-status.ts';
import { generateSandboxName, parseSandboxName } from '../../../../host/sdk/sandbox-name.ts';
import { checkOptions, checkRootfs, checkVolumes } from '../../../../host/sdk/sandbox-options.ts';

describe('checkOptions', () => {
  test.each([
    [{ memoryMib: 16 }, /^memory: 16 MiB/],
    [{ cpus: 0 }, /^cpus: 0/],
    [{ cpus: 1.5 }, /^cpus/],
    [{ env: ['NOVALUE'] }, /^env: "NOVALUE"/],
    [{ env: ['=x'] }, /^env/],
    [{ cwd: 'relative' }, /^workdir/],
    [{ args: [] }, /^no command/],
  ])('%j is refused by name', (change, message) => {
    expect(() => checkOptions({ rootfs: '/', ...change })).toThrow(message);
  });

  test('defaults are right', () => {
    checkOptions({ rootfs: '/' });
  });
});

test('a root filesystem is a directory that exists', () => {
  const base = mkdtempSync(join(tmpdir(), 'kihon-test-'));
  try {
    expect(checkRootfs(base)).toBe(base);
    expect(() => checkRootfs(join(base, 'none'))).toThrow(/^no root filesystem at/);
    expect(() => checkRootfs('/etc/passwd')).toThrow(/not a directory/);
    expect(() => checkVolumes([`${base}/none:/x`])).toThrow(/does not exist/);
    expect(checkVolumes([`${base}/.:/x:ro`])).toEqual([{ source: base, destination: '/x', readOnly: true }]);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});

describe('parseSandboxName', () => {
  test.each(['a1', 'box-1', 'A.b_c', 'x'.repeat(40)])('%s is a name', (name) => {
    expect(parseSandboxName(name)).toBe(name);
  });

  test.each(['', 'a', '-a', '.new', 'a/b', 'a b', 'x'.repeat(41), '..', 'ä1'])('%j is none', (name) => {
    expect(() => parseSandboxName(name)).toThrow(/is no name/);
  });

  test('a generated name is a name', () => {
    expect(parseSandboxName(generateSandboxName())).toMatch(/^box-/);
  });
});

test('a death by a signal has the exit code of a shell', () => {
  expect(exitCodeOfSignal('SIGINT')).toBe(130);
});
