import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../../support/repository.ts';
import { SECURITY_CASES } from '../../support/security/cases.ts';
import { findSecurityTests } from '../../support/security/find-tests.ts';

/** Of the image builder, whose readers of archives come later than this list. */
const LATER: readonly string[] = ['VMB-11'];
const AMOUNTS = { MNT: 19, EXE: 14, PRV: 13, CGN: 11, TTR: 11, API: 14, LIV: 14, VMB: 12, ENG: 8 };

describe('security cases', () => {
  const tests = findSecurityTests();
  const documented = readFileSync(join(repository, 'docs/security.md'), 'utf8');

  it('are all listed', () => {
    for (const [prefix, amount] of Object.entries(AMOUNTS)) {
      const ids = Array.from({ length: amount }, (_, index) => `${prefix}-${String(index + 1).padStart(2, '0')}`);
      expect(Object.keys(SECURITY_CASES).filter((id) => id.startsWith(`${prefix}-`))).toEqual(ids);
    }
  });

  it('have a test each', () => {
    const missing = [...tests].filter(([, files]) => files.length === 0).map(([id]) => id);
    expect(missing.filter((id) => !LATER.includes(id))).toEqual([]);
  });

  it.each(Object.keys(SECURITY_CASES))('%s is documented with tests that name it', (id) => {
    const row = documented.split('\n').find((line) => line.startsWith(`| ${id} |`)) ?? '';
    expect(row, 'npx tsx test/support/security/main.ts').toContain(SECURITY_CASES[id] ?? '?');
    const files = [...row.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, file]) => file ?? '');
    if (!LATER.includes(id)) expect(files).not.toEqual([]);
    for (const file of files) {
      expect(existsSync(join(repository, file)), file).toBe(true);
      expect(tests.get(id), 'npx tsx test/support/security/main.ts').toContain(file);
    }
  });
});
