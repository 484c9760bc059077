import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OutputCache, pruneCache } from '../../../../rootfs-builder/src/cache/output-cache.ts';
import type { WrittenImage } from '../../../../rootfs-builder/src/format/format.ts';
import { measureFile } from '../../../../rootfs-builder/src/output/staging.ts';

let folder = '';
let temporary = '';
let image: WrittenImage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kihon-outputs-'));
  temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const [output, hash] = [join(folder, 'guest'), join(folder, 'root_hash_x.txt')];
  writeFileSync(output, 'image');
  writeFileSync(hash, 'hash');
  image = { files: [await measureFile(output), await measureFile(hash)], kernelParameters: [], notes: [], tools: [] };
});
afterEach(() => rmSync(folder, { recursive: true }));

it('an image comes back under another name, with its companions', async () => {
  const cache = new OutputCache(join(folder, 'outputs'));
  await cache.store('key', image, join(folder, 'guest'), temporary);
  const restored = await cache.restore('key', join(folder, 'other/name'));
  expect(restored?.files.map(({ path }) => path)).toEqual(
    ['other/name', 'other/root_hash_x.txt'].map((name) => join(folder, name)),
  );
  expect(readFileSync(join(folder, 'other/name'), 'utf8')).toBe('image');
  expect(readdirSync(join(folder, 'other')).sort()).toEqual(['name', 'root_hash_x.txt']);
});

it('an image that is there already stays as it is, without what killed builds left beside it', async () => {
  const cache = new OutputCache(join(folder, 'outputs'));
  await cache.store('key', image, join(folder, 'guest'), temporary);
  utimesSync(join(folder, 'guest'), 1, 1);
  for (const name of ['guest', 'root_hash_x.txt']) writeFileSync(join(folder, `.${name}.999999999.tmp`), 'half');
  expect(await cache.restore('key', join(folder, 'guest'))).toBeDefined();
  expect(statSync(join(folder, 'guest')).mtimeMs).toBe(1000);
  expect(readdirSync(folder).sort()).toEqual(['guest', 'outputs', 'root_hash_x.txt', 'tmp']);
});

it('an entry of which something is missing or changed is none, and is made again', async () => {
  const cache = new OutputCache(join(folder, 'outputs'));
  const entry = join(folder, 'outputs/key');
  for (const damage of [
    () => rmSync(join(entry, '1')),
    () => rmSync(join(entry, 'record.json')),
    () => writeFileSync(join(entry, 'record.json'), ''),
    () => writeFileSync(join(entry, '0'), 'other'),
  ]) {
    await cache.store('key', image, join(folder, 'guest'), temporary);
    damage();
    expect(await cache.restore('key', join(folder, 'copy'))).toBeUndefined();
    expect(existsSync(join(folder, 'copy'))).toBe(false);
  }
  await cache.store('key', image, join(folder, 'guest'), temporary);
  expect(await cache.restore('key', join(folder, 'copy'))).toBeDefined();
});

it('an interrupted copy is not kept', async () => {
  const cache = new OutputCache(join(folder, 'outputs'));
  await cache.store('key', image, join(folder, 'guest'), temporary, AbortSignal.abort());
  expect([existsSync(join(folder, 'outputs/key')), readdirSync(temporary)]).toEqual([false, []]);
});

it('the entries that were used longest ago go away, all at once each', async () => {
  const outputs = join(folder, 'outputs');
  for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) {
    mkdirSync(join(outputs, name, 'deep'), { recursive: true });
    utimesSync(join(outputs, name), index, index);
  }
  await pruneCache(outputs, 2, temporary);
  expect([readdirSync(outputs).sort(), readdirSync(temporary)]).toEqual([['c', 'd'], []]);
  await pruneCache(join(folder, 'nowhere'), 2, temporary);
});
