import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it, test } from 'vitest';
import { imageRoot } from '../../../../host/vm/inspect-image.ts';
import { encodeMbr } from '../../../../rootfs-builder/src/disk/mbr.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-inspect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, 'image');
const MIB = 1 << 20;

const magics = {
  ext4: (bytes: Buffer, at: number) => bytes.writeUInt16LE(0xef53, at + 1024 + 56),
  erofs: (bytes: Buffer, at: number) => bytes.writeUInt32LE(0xe0f5e1e2, at + 1024),
  xfs: (bytes: Buffer, at: number) => bytes.write('XFSB', at, 'latin1'),
} as const;

function image(type: keyof typeof magics, start: number): Buffer {
  const bytes = Buffer.alloc(4 * MIB);
  magics[type](bytes, start);
  if (start > 0) bytes.set(encodeMbr([{ startSector: start / 512, sectors: 2048 }], 0));
  return bytes;
}

describe.each(Object.keys(magics) as (keyof typeof magics)[])('%s', (type) => {
  it.each([
    ['alone', 0, '/dev/vda'],
    ['on the first partition', MIB, '/dev/vda1'],
    ['on the first partition behind the block for NVDIMMs', 3 * MIB, '/dev/vda1'],
  ])('%s is known by its magic number', (_where, start, device) => {
    writeFileSync(path, image(type, start));
    const root = imageRoot(path);
    expect(root).toMatchObject({ kind: 'disk', path, attachment: 'virtio-blk', sizeBytes: 4 * MIB });
    if (root.kind !== 'disk') throw new Error('not a disk');
    expect(root.parameters[0]).toBe(`root=${device}`);
    expect(root.parameters).toContain(`rootfstype=${type}`);
    expect(root.parameters).toContain('ro');
  });
});

test('anything else is refused in one line, never with a crash', () => {
  expect(() => imageRoot(join(folder, 'none'))).toThrow(/^no image at /);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
      writeFileSync(path, bytes);
      expect(() => imageRoot(path)).toThrow(/is no image of a root file system/);
    }),
    { numRuns: 30 },
  );
});
