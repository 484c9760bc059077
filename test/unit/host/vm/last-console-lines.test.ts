import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lastConsoleLines } from '../../../../host/vm/last-console-lines.ts';

test('quotes the end of a console in one line without control characters', () => {
  const base = mkdtempSync(join(tmpdir(), 'kihon-test-'));
  try {
    const path = join(base, 'console.log');
    expect(lastConsoleLines(path)).toBe('');
    writeFileSync(path, 'one\r\n\u001b[31mtwo\u001b[0m\r\n\r\nthree\u0007\u0000\n');
    expect(lastConsoleLines(path, 2)).toBe('two | three');
    writeFileSync(path, 'a\n[1.0] Kernel panic - not syncing: no init\n[1.1] Call Trace:\n[1.2] Rebooting\n');
    expect(lastConsoleLines(path)).toBe('[1.0] Kernel panic - not syncing: no init');
    writeFileSync(path, 'x'.repeat(100_000));
    expect(lastConsoleLines(path).length).toBeLessThanOrEqual(400);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
