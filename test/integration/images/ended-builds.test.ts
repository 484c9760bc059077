/** Builds that are killed or interrupted at each of their steps. At every call of the kernel: test/images/killed-builds.test.ts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  expectResumed,
  prepareEndedFixture,
  RepeatedBuild,
  type EndedFixture,
  type EndedRow,
} from '../../support/images/ended-builds.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-ended-'));
let fixture: EndedFixture = { folder, kihon: '' };
beforeAll(async () => {
  fixture = await prepareEndedFixture(folder, 400_000);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where a build is while a program runs, the program, and the steps that are done by then. */
const rows: readonly (readonly [what: string, program: string, done: readonly string[], row: EndedRow])[] = [
  ['the base is read', 'zstd', [], { kind: 'initrd', base: '"tar:../base.tar.zst"', output: '' }],
  ['an archive is added', 'zstd', ['base'], { kind: 'initrd', archives: ['base.tar.zst'], output: '' }],
  ['an initrd is written', 'zstd', ['base', 'guest'], { kind: 'initrd', output: 'compression = "zstd"' }],
  [
    'a file system is filled',
    'debugfs',
    ['base', 'guest'],
    { kind: 'image', output: 'format = "ext4"\nverity = true' },
  ],
];

describe('a build goes on after SIGKILL, to the same bytes and without a trace, and ends well after ctrl-C, while', () => {
  it.each(rows)('%s', async (what, program, done, row) => {
    const name = what.replaceAll(' ', '-');
    const undisturbed = new RepeatedBuild(fixture, row, `${name}-undisturbed`);
    expect(await undisturbed.run()).toMatchObject({ status: 0, stderr: '' });

    const build = new RepeatedBuild(fixture, row, name);
    const killed = await build.runUntil(program, (pid) => process.kill(pid, 'SIGKILL'));
    expect(killed).toMatchObject({ status: null, signal: 'SIGKILL' });
    expect(killed.events.flatMap((event) => (event.event === 'done' ? [event.step] : []))).toEqual(done);
    expect(Object.keys(build.outputs()).filter((each) => !each.startsWith('.'))).toEqual([]);
    await expectResumed(build, killed, undisturbed.outputs());

    // To the whole group, as a terminal does it.
    const other = new RepeatedBuild(fixture, row, `${name}-interrupted`);
    const ended = await other.runUntil(program, (pid) => process.kill(-pid, 'SIGINT'));
    expect(ended).toMatchObject({ status: 130, signal: null, stderr: 'kihon: build: interrupted, nothing written\n' });
    expect(ended.events.at(-1)).toEqual({ event: 'error', message: 'interrupted', interrupted: true });
    expect(other.leftovers()).toEqual([]);
  });
});
