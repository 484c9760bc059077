/**
 * Builds that are killed at their calls of the kernel which make, name or remove something: a tracer does it at the Nth call of a kind,
 * for N until the build gets to its end. It may hit a program that the build runs, too; then the build fails at once and tidies up.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDebianRepository } from '../integration/images/debian-repository.ts';
import {
  expectResumed,
  prepareEndedFixture,
  RepeatedBuild,
  type EndedFixture,
  type EndedRow,
} from '../support/images/ended-builds.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-killed-'));
let fixture: EndedFixture = { folder, kihon: '' };
beforeAll(async () => {
  fixture = await prepareEndedFixture(folder, 100_000);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows: Readonly<Record<string, EndedRow>> = {
  'an initrd': { kind: 'initrd', base: '"tar:../base.tar.zst"', output: 'compression = "gzip"' },
  'a measured disk': { kind: 'image', output: 'format = "disk"\nfilesystem = "erofs"\nverity = true' },
  // Several programs take a second or two each time.
  ext4: { kind: 'image', output: 'format = "ext4"\nverity = true' },
  'an OCI layout': { kind: 'rootfs', archives: ['base.tar.zst'], output: 'format = "oci"' },
};

/** Kinds of calls, and how far the next number is from one: those that come by the hundred are sampled. */
const calls: readonly (readonly [names: string, growth: number])[] = [
  ['rename,renameat,renameat2', 1],
  ['mkdir,mkdirat', 1.2],
  ['symlink,symlinkat', 1],
  ['unlink,unlinkat,rmdir', 1.5],
  ['ftruncate', 1.6],
  ['write,pwrite64', 2],
  ['openat', 2],
];

describe(
  'a build that was killed is gone on with, to the same bytes and without a trace:',
  { timeout: 1_200_000 },
  () => {
    it.each(Object.keys(rows))('%s', async (what) => {
      const row = rows[what] ?? { kind: 'image', output: '' };
      const name = what.replaceAll(' ', '-');
      const undisturbed = new RepeatedBuild(fixture, row, name);
      expect(await undisturbed.run()).toMatchObject({ status: 0 });
      const outputs = undisturbed.outputs();
      let killed = 0;
      for (const [kinds, growth] of calls) {
        for (let turn = 1; ; turn = Math.max(turn + 1, Math.floor(turn * Math.max(growth, what === 'ext4' ? 2 : 1)))) {
          const place = `${name}-${kinds.split(',')[0]}-${turn}`;
          const build = new RepeatedBuild(fixture, row, place);
          const inject = [`--trace=${kinds}`, `--inject=${kinds}:signal=KILL:when=${turn}`];
          const first = await build.run(['strace', '-f', '-qqq', '-o', '/dev/null', ...inject]);
          const hasWorked = first.events.at(-1)?.event === 'result';
          if (first.signal === null && !hasWorked) {
            expect([place, first]).toMatchObject([place, { status: 1 }]);
            expect([place, build.leftovers()]).toEqual([place, []]);
          }
          await expectResumed(build, first, outputs);
          const again = await build.run();
          expect([place, again.events.at(-1)]).toMatchObject([place, { event: 'result', isCached: true }]);
          expect(build.outputs()).toEqual(outputs);
          rmSync(join(folder, place), { recursive: true });
          if (first.signal === null && hasWorked) break;
          killed++;
        }
      }
      expect(killed).toBeGreaterThan(10);
    });
  },
);

it('mmdebstrap, which has processes and a folder of its own, is ended as well, and what a killed build left of it goes away', async () => {
  const mirror = makeDebianRepository(join(folder, 'deb'), {
    init: { 'usr/lib/systemd/systemd': '#!/bin/sh\n', 'sbin/init': '->/usr/lib/systemd/systemd' },
  });
  const source = `kind = "debian", suite = "tiny", mirror = "${mirror}", unsigned = true, variant = "extract"`;
  const row: EndedRow = { kind: 'rootfs', base: `{ ${source}, packages = ["init"] }`, output: '' };
  const undisturbed = new RepeatedBuild(fixture, row, 'debian-undisturbed');
  expect(await undisturbed.run()).toMatchObject({ status: 0 });
  const build = new RepeatedBuild(fixture, row, 'debian');
  const killed = await build.runUntil('mmdebstrap', (pid) => process.kill(pid, 'SIGKILL'));
  expect(killed).toMatchObject({ signal: 'SIGKILL' });
  await expectResumed(build, killed, undisturbed.outputs());
  const other = new RepeatedBuild(fixture, row, 'debian-interrupted');
  const ended = await other.runUntil('mmdebstrap', (pid) => process.kill(-pid, 'SIGINT'));
  expect(ended).toMatchObject({ status: 130, stderr: 'kihon: build: interrupted, nothing written\n' });
  expect(other.leftovers()).toEqual([]);
});
