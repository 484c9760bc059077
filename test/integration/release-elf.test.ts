import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { failpointAgent, releaseAgent } from '../support/repository.ts';

/** What only a test build holds. */
const MARKS = ['KIHON_FAILPOINTS', 'failpoint '];

describe('the released ELF', () => {
  it('is one static executable of at most 2 MiB', () => {
    expect(statSync(releaseAgent).size).toBeLessThanOrEqual(2 << 20);
    const headers = execFileSync('readelf', ['--program-headers', '--wide', releaseAgent], { encoding: 'utf8' });
    expect(headers).not.toContain('INTERP');
    expect(headers).toMatch(/GNU_STACK\s+(\S+\s+){5}RW /);
  });

  it('holds no failpoint, while the test build does', () => {
    const release = readFileSync(releaseAgent).toString('latin1');
    for (const mark of MARKS) expect(release).not.toContain(mark);
    if (existsSync(failpointAgent)) expect(readFileSync(failpointAgent).toString('latin1')).toContain(MARKS[0]);
  });

  it('names no path of the machine that built it', () => {
    const text = readFileSync(releaseAgent).toString('latin1');
    expect(text).not.toContain(process.cwd());
  });
});
