import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rootParameters } from '../../../../host/vm/guest-root.ts';
import { imageRoot, type ImageUse } from '../../../../host/vm/inspect-image.ts';
import type { Format, FormatRequest, WrittenImage } from '../../../../rootfs-builder/src/format/format.ts';
import { writeFormat } from '../../../../rootfs-builder/src/format/write-format.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-measured-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function build(name: string, kind: Format, options: Partial<FormatRequest>): Promise<WrittenImage> {
  const tree = new FileTree().file('sbin/init', `init of ${name}`, { mode: 0o755 });
  const fixed = { tree, sourceDateEpoch: 0, architecture: 'x86_64' };
  return await writeFormat(kind, { ...fixed, output: join(folder, name), ...options });
}

let disk: WrittenImage;
let bare: WrittenImage;
beforeAll(async () => {
  disk = await build('disk', 'disk', { rootType: 'erofs', verity: { variant: 'm' } });
  await build('other', 'disk', { rootType: 'erofs', verity: { variant: 'a-other' } });
  bare = await build('bare', 'erofs', { verity: { variant: 'bare' } });
  await build('plain', 'disk', { rootType: 'erofs' });
  writeFileSync(join(folder, 'root_hash_0-broken.txt'), 'root_hash=');
});

/** The kernel's words for the root of an image. */
function words(name: string, use: ImageUse = {}): readonly string[] {
  return rootParameters(imageRoot(join(folder, name), use));
}

it('a measured disk boots with the parameters that its build printed, whatever other root hashes lie beside it', () => {
  expect(words('disk')).toEqual(disk.kernelParameters);
  expect(words('disk', { verity: join(folder, 'root_hash_m.txt') })).toEqual(disk.kernelParameters);
  mkdirSync(join(folder, 'elsewhere'));
  symlinkSync('../disk', join(folder, 'elsewhere/link'));
  expect(words('elsewhere/link')).toEqual(disk.kernelParameters);
  expect(words('disk', { attachment: 'nvdimm' })[0]).toContain(' /dev/pmem0p1 /dev/pmem0p2 ');
});

it('a measured file system brings its hashes as a second disk', () => {
  expect(words('bare')).toEqual(bare.kernelParameters);
  expect(imageRoot(join(folder, 'bare'))).toMatchObject({ hashPath: join(folder, 'bare.verity') });
  expect(words('bare', { attachment: 'nvdimm' })[0]).toContain(' /dev/pmem0 /dev/vda ');
});

it('"none" boots it unchecked, and only that', () => {
  expect(words('disk', { verity: 'none' })).toEqual(['root=/dev/vda1', 'ro', 'rootfstype=erofs']);
  expect(words('bare', { verity: 'none' })).toEqual(['root=/dev/vda', 'ro', 'rootfstype=erofs']);
  expect(words('plain')).toEqual(['root=/dev/vda1', 'ro', 'rootfstype=erofs']);
});

it('a root hash that is missing, of another image or malformed is refused', () => {
  mkdirSync(join(folder, 'alone'));
  copyFileSync(join(folder, 'disk'), join(folder, 'alone/disk'));
  expect(() => words('alone/disk')).toThrow(/alone\/disk is measured, and no root_hash_\*\.txt beside it/);
  const named = (name: string) => () => words('disk', { verity: join(folder, name) });
  expect(named('root_hash_a-other.txt')).toThrow(/does not have the root hash of .*\/disk$/);
  expect(named('root_hash_0-broken.txt')).toThrow(/^root hash .*root_hash_0-broken\.txt: verity parameters/);
  expect(named('nowhere')).toThrow(/^root hash .*nowhere: ENOENT/);
  expect(() => words('plain', { verity: join(folder, 'root_hash_m.txt') })).toThrow(/plain is not measured/);
});

it('a changed top block, or a changed digit of the root hash, is refused before the VM starts', () => {
  const image = readFileSync(join(folder, 'disk'));
  const line = readFileSync(join(folder, 'root_hash_m.txt'), 'latin1');
  const second = image.readUInt32LE(446 + 16 + 8) * 512;
  mkdirSync(join(folder, 'changed'));
  const attempt = (bytes: Uint8Array, text: string) => {
    writeFileSync(join(folder, 'changed/disk'), bytes);
    writeFileSync(join(folder, 'changed/root_hash_m.txt'), text);
    return () => words('changed/disk');
  };
  expect(attempt(image, line)()).toEqual(disk.kernelParameters);
  fc.assert(
    fc.property(fc.nat(4095), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(image);
      bytes.writeUInt8(bytes.readUInt8(second + at) ^ change, second + at);
      expect(attempt(bytes, line)).toThrow(/is measured/);
    }),
    { numRuns: 10 },
  );
  fc.assert(
    fc.property(fc.nat(63), (at) => {
      const place = 'root_hash='.length + at;
      const digit = ((Number.parseInt(line[place] ?? '', 16) + 1) % 16).toString(16);
      expect(attempt(image, line.slice(0, place) + digit + line.slice(place + 1))).toThrow(/is measured/);
    }),
    { numRuns: 10 },
  );
});
