import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeOutput } from '../../../../rootfs-builder/src/output/write-output.ts';
import { streamOf } from '../support.ts';

describe('writeOutput()', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-test-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('writes all of it, replaces what was there, and gives size and digest', async () => {
    const path = join(folder, 'deep/er/out');
    for (const _ of [1, 2]) {
      const written = await writeOutput(path, streamOf(Buffer.from('ab'), Buffer.from('c')));
      const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
      expect(written).toEqual({ path, sizeBytes: 3, sha256 });
    }
    expect(await readdir(join(folder, 'deep/er'))).toEqual(['out']);
  });

  it('leaves the old file and nothing else when the source fails', async () => {
    const path = join(folder, 'out');
    await writeFile(path, 'old');
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('new'));
      throw new Error('broken');
    };
    await expect(writeOutput(path, failing())).rejects.toThrow(`write ${path}: broken`);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['out']);
  });

  it('leaves nothing when it is aborted half-way', async () => {
    const abort = new AbortController();
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (let turn = 0; ; turn++) {
        if (turn === 20) abort.abort();
        yield await Promise.resolve(new Uint8Array(65_536));
      }
    };
    await expect(writeOutput(join(folder, 'out'), endless(), abort.signal)).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
  });

  it('says what cannot be written and why', async () => {
    await writeFile(join(folder, 'file'), '');
    const path = join(folder, 'file/out');
    await expect(writeOutput(path, streamOf())).rejects.toThrow(/^write .*file\/out: E(NOTDIR|EXIST)$/);
  });
});
