import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { staged } from '../../../../rootfs-builder/src/output/staging.ts';
import { removeAbandoned, temporaryName } from '../../../../rootfs-builder/src/output/temporary-name.ts';
import { writeOutput } from '../../../../rootfs-builder/src/output/write-output.ts';
import { streamOf } from '../support.ts';

/** No process has it: numbers end at 4 million. */
const DEAD = 999_999_999;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kihon-names-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What two killed processes and one that is alive left, and what others have beside it. */
function leave(): string[] {
  writeFileSync(join(folder, `.out.${DEAD}.tmp`), 'x');
  mkdirSync(join(folder, `.out.${DEAD - 1}.tmp/deep`), { recursive: true });
  const others = [
    `.out.${process.ppid}.tmp`,
    `.out.txt.${DEAD}.tmp`,
    `.out.${DEAD}.tmpx`,
    '.out.x.tmp',
    `out.${DEAD}.tmp`,
  ];
  for (const name of others) writeFileSync(join(folder, name), 'x');
  return others;
}

it('what killed processes left of an output goes away, and nothing else', async () => {
  const others = leave();
  await removeAbandoned(join(folder, 'out'));
  expect(readdirSync(folder).sort()).toEqual(others.sort());
  await removeAbandoned(join(folder, 'nowhere/out'));
});

it('it does when the output is written again, as a file or by way of a folder', async () => {
  const output = join(folder, 'out');
  const others = leave();
  await writeOutput(output, streamOf(Buffer.from('new')));
  expect(readdirSync(folder).sort()).toEqual([...others, 'out'].sort());
  leave();
  await staged(output, undefined, async (staging) => {
    expect(staging.path('image')).toBe(join(temporaryName(output), 'image'));
    writeFileSync(staging.path('image'), 'newer');
    staging.keep('image', output);
    await Promise.resolve();
  });
  expect(readdirSync(folder).sort()).toEqual([...others, 'out'].sort());
});
