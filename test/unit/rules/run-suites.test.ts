/** What `make test` says at its end, and when it is ended. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identifyProcess } from '../../../host/vm/process-identity.ts';
import { eventually } from '../../support/eventually.ts';
import { repository } from '../../support/repository.ts';
import { listFailures, readRecord, reasonToGiveUp, type Failure } from '../../support/suites/suite-record.ts';

const files: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }',
  'vitest.config.ts': `
    const project = (name) => ({ test: { name, globals: true, include: ['test/' + name + '/*.test.ts'] } });
    export default { test: { projects: ['bad', 'good', 'hooks', 'shown', 'slow'].map(project) } };`,
  'test/bad/all.test.ts': `
    it.each(Array.from({ length: 60 }, (_, i) => i))('number %i', (i) => { throw new Error('no ' + i + '\\nmore'); });`,
  'test/good/all.test.ts': `it('is good', () => {}); it.skip('is left out', () => {});`,
  'test/hooks/all.test.ts': `
    describe('a place', () => {
      beforeAll(() => { throw new Error('no room'); });
      it('is not reached', () => {});
    });`,
  'test/shown/all.test.ts': `it('waits', () => new Promise(() => setInterval(() => {}, 1000)), 1e6);`,
  'test/slow/all.test.ts': `
    import { writeFileSync } from 'node:fs';
    it('failed before', () => { throw new Error('too early'); });
    it('waits', async () => {
      console.log('the hidden words');
      writeFileSync('waiting', String(process.pid));
      await new Promise(() => setInterval(() => {}, 1000));
    }, 1e6);`,
};

const failures = (length: number, ms = 1): Failure[] =>
  Array.from({ length }, (_, i) => ({ name: `test ${i}`, message: 'no', ms }));

describe('what has failed', () => {
  it('ends a suite when it is much, or has taken long', () => {
    expect(reasonToGiveUp(failures(24))).toBeUndefined();
    expect(reasonToGiveUp(failures(25))).toBe('25 failures');
    expect(reasonToGiveUp(failures(2, 300_000))).toBeUndefined();
    expect(reasonToGiveUp(failures(3, 300_000))).toBe('3 failures that took 15 minutes');
  });

  it('is listed in at most 38 lines, each suite with its share', () => {
    expect(listFailures([[], []])).toEqual([]);
    expect(listFailures([failures(2), []])).toEqual(['  test 0: no', '  test 1: no']);
    expect(listFailures([failures(38)])).toHaveLength(38);
    const lines = listFailures([failures(100), failures(1), failures(100)]);
    expect(lines.length).toBeLessThanOrEqual(38);
    expect(lines.filter((line) => line.startsWith('  and '))).toEqual(['  and 89 more', '  and 89 more']);
  });
});

describe('a run of suites', { timeout: 180_000 }, () => {
  let root = '';
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'kihon-suites-'));
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), content);
    }
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const start = (...groups: string[]): ChildProcessByStdio<null, Readable, null> =>
    spawn(
      join(repository, 'node_modules/.bin/tsx'),
      [join(repository, 'test/support/run-suites.ts'), '--root', root, ...groups],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NO_COLOR: '1' } },
    );

  it('ends with each failed test and its error, and gives up a suite in which all fail', async () => {
    const child = start('good,hooks+bad');
    const exit = once(child, 'exit') as Promise<[number | null]>;
    const [output, [status]] = await Promise.all([text(child.stdout), exit]);
    expect(status).toBe(1);
    expect(output).toMatch(/\nGIVING UP after \d+ failures: the tests that are left are skipped\n/);
    const end = output.slice(output.indexOf('\nfailed:\n')).trimEnd().split('\n');
    expect(end.length).toBeLessThan(46);
    expect(end).toContain('  test/hooks/all.test.ts > a place: no room');
    expect(end).toContain('  test/bad/all.test.ts > number 0: no 0');
    const totals = /^bad +0 passed, (\d+) failed, (\d+) skipped; given up: \d+ failures$/.exec(end.at(-2) ?? '');
    expect(Number(totals?.[1])).toBeGreaterThanOrEqual(25);
    expect(Number(totals?.[1]) + Number(totals?.[2])).toBe(60);
    expect(end.at(-4)).toMatch(/^good +1 passed, 0 failed, 1 skipped$/);
    expect(end.at(-1)).toMatch(/^1 passed, \d+ failed, \d+ skipped$/);
  });

  it('that is ended says what it held back, and leaves nobody behind', async () => {
    const child = start('shown+slow');
    const output = text(child.stdout);
    const pid = await eventually(() => Number(readFileSync(join(root, 'waiting'), 'utf8') || expect.fail('not yet')));
    await eventually(() => expect(readRecord(join(root, 'build/test/slow.results')).failures).toHaveLength(1));
    child.kill('SIGTERM');
    const [status] = (await once(child, 'exit')) as [number | null];
    expect(status).toBe(143);
    const said = await output;
    expect(said).toContain('SIGTERM: ending the suites');
    expect(said.slice(said.indexOf('SIGTERM: ending'))).toContain('too early');
    expect(said).toMatch(/\nfailed:\n {2}test\/slow\/all\.test\.ts > failed before: too early\n/);
    expect(said).toMatch(/\nslow +0 passed, 1 failed, 0 skipped; SIGTERM\n/);
    await eventually(() => expect(identifyProcess(pid)).toBeUndefined());
  });
});
