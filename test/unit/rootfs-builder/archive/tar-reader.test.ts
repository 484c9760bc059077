import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTar } from '../../../../rootfs-builder/src/archive/read-tar.ts';
import { TarReader } from '../../../../rootfs-builder/src/archive/tar-reader.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { writeTar } from '../../../../rootfs-builder/src/tar/write-tar.ts';
import { arbitraryTree, collect } from '../support.ts';
import { paxHeader, paxRecord, sealed, tarArchive, tarEntry } from './tar-support.ts';

describe('TarReader', () => {
  it('reads names, owners and data of ustar', () => {
    const [entry] = readTar(tarArchive({ name: 'a', data: 'hello', mode: 0o4755, uid: 7, gid: 8, mtime: 9 }));
    expect(entry?.header).toMatchObject({
      name: 'a',
      kind: 'file',
      mode: 0o4755,
      uid: 7,
      gid: 8,
      mtime: 9,
      sizeBytes: 5,
    });
    expect(Buffer.from(entry?.data ?? []).toString()).toBe('hello');
  });

  it('takes names, huge ids and attributes from pax records', () => {
    const value = Buffer.from([0, 1, 10, 255]);
    const pax = paxHeader(
      paxRecord('path', 'x/'.repeat(100) + 'é'),
      paxRecord('uid', '4294967294'),
      paxRecord('mtime', '12.75'),
      paxRecord('SCHILY.xattr.security.capability', value),
    );
    const [entry] = readTar(tarArchive(pax, { name: 'short' }));
    expect(entry?.header).toMatchObject({ name: 'x/'.repeat(100) + 'é', uid: 4294967294, mtime: 12 });
    expect(entry?.header.xattrs?.get('security.capability')).toEqual(new Uint8Array(value));
  });

  it('takes long names of GNU tar', () => {
    const long = 'n'.repeat(300);
    const parts = [tarEntry({ name: '././@LongLink', type: 'L', data: `${long}\0` }), tarEntry({ name: 'n' })];
    expect(readTar(tarArchive(...parts))[0]?.header.name).toBe(long);
  });

  it('reads numbers in base 256', () => {
    const block = tarEntry({ name: 'big' });
    block.set([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe], 108);
    expect(readTar(tarArchive(sealed(block)))[0]?.header.uid).toBe(0xffff_fffe);
  });

  it.each([
    ['a wrong checksum', (archive: Buffer) => void archive.writeUInt8(1, 0), 'checksum'],
    ['a type that nobody knows', (archive: Buffer) => rewrite(archive, 156, 'Z'), 'unknown type'],
    ['a sparse file that is none of GNU tar', (archive: Buffer) => rewrite(archive, 156, 'S'), 'unknown type'],
    ['a size that is no number', (archive: Buffer) => rewrite(archive, 124, 'x'), 'size is not a number'],
  ])('refuses %s', (_what, spoil, message) => {
    const archive = tarArchive({ name: 'file', data: 'x' });
    spoil(archive);
    expect(() => readTar(archive)).toThrow(message);
  });

  it.each([
    ['a record that is longer than the header', paxRecord('path', 'x', 9999)],
    ['a record that ends early', paxRecord('path', 'xyz', 8)],
    ['a length of zero', paxRecord('path', 'x', 0)],
    ['a size that is no number', paxRecord('size', '-5')],
    ['a size beyond all', paxRecord('size', '9'.repeat(30))],
    ['an owner that is none', paxRecord('uid', '1e3')],
  ])('refuses pax headers with %s', (_what, record) => {
    expect(() => readTar(tarArchive(paxHeader(record), { name: 'a' }))).toThrow(BuildError);
  });

  it('refuses an extended header of 1 GiB on its size alone', () => {
    const archive = tarArchive({ name: 'pax', type: 'x', size: 1024 ** 3 });
    expect(() => readTar(archive)).toThrow('an extended header has 1073741824 bytes');
  });

  it('refuses an archive that is cut off anywhere but between entries', () => {
    const archive = tarArchive({ name: 'a', data: 'hello' }).subarray(0, 1024);
    for (let length = 1; length < archive.length; length++)
      expect(() => readTar(archive.subarray(0, length))).toThrow(BuildError);
    expect(readTar(archive)).toHaveLength(1);
  });

  it('gives the same whatever the pieces are', () => {
    const archive = tarArchive(
      { name: 'd/', type: '5' },
      { name: 'd/f', data: 'x'.repeat(700) },
      { name: 'l', type: '2', link: 'd' },
    );
    const whole = readTar(archive).map(({ header, data }) => [header, data.toString()]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 5 }), (lengths) => {
        const reader = new TarReader();
        const seen: [unknown, number][] = [];
        for (let at = 0, turn = 0; at < archive.length; turn++) {
          const length = lengths[turn % lengths.length] ?? 1;
          for (const event of reader.push(archive.subarray(at, at + length))) {
            if (event.kind === 'entry') seen.push([event.header, 0]);
            else if (event.kind === 'data') (seen.at(-1) as [unknown, number])[1] += event.bytes.length;
          }
          at += length;
        }
        reader.end();
        expect(seen.map(([header]) => header)).toEqual(whole.map(([header]) => header));
        expect(seen.map(([, bytes]) => bytes)).toEqual([0, 700, 0]);
      }),
    );
  });

  it('reads back what the writer of this project wrote', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree, async (tree) => {
        const read = readTar(await collect(writeTar(tree, 5)));
        expect(read).toHaveLength(tree.size);
      }),
      { numRuns: 50 },
    );
  });
});

/** Changes a byte of the first header and puts its checksum right. */
function rewrite(archive: Buffer, at: number, text: string): void {
  archive.write(text, at, 'latin1');
  sealed(archive);
}
