import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { kataImage } from '../../../../host/kata/kata-image.ts';
import { writeFormat } from '../../../../rootfs-builder/src/format/write-format.ts';
import type { Format, FormatRequest } from '../../../../rootfs-builder/src/format/format.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-kata-image-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function image(name: string, kind: Format, options: Partial<FormatRequest>): Promise<string> {
  const output = join(folder, name);
  const tree = new FileTree().file('sbin/init', name, { mode: 0o755 });
  await writeFormat(kind, { tree, output, sourceDateEpoch: 1, architecture: 'x86_64', ...options });
  return output;
}

describe('what Kata is told of an image', () => {
  it('is the file system of its first partition', async () => {
    const path = await image('plain', 'disk', { rootType: 'erofs' });
    expect(kataImage(path, '/opt/i')).toEqual({ path: '/opt/i', rootType: 'erofs', verity: '' });
  });

  it('is its own root hash, not that of another image beside it', async () => {
    const first = await image('first', 'disk', { rootType: 'erofs', verity: { variant: 'a' } });
    const second = await image('second', 'disk', { rootType: 'ext4', verity: { variant: 'b' } });
    writeFileSync(join(folder, 'root_hash_0.txt'), 'root_hash=nothing\n');
    const lines = [first, second].map((path) => kataImage(path).verity);
    for (const line of lines) expect(line).toMatch(/^root_hash=[0-9a-f]{64},salt=[0-9a-f]*,data_blocks=\d+,/);
    expect(lines[0]).not.toBe(lines[1]);
  });

  it('is nothing for a bare file system, which Kata could not boot', async () => {
    const path = await image('bare', 'erofs', {});
    expect(() => kataImage(path)).toThrow(/without a partition table/);
  });
});
