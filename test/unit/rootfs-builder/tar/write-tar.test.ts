import fc from 'fast-check';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { encodeBytes } from '../../../../agent/src/base/text.ts';
import { encodeTarHeader, paxRecord } from '../../../../rootfs-builder/src/tar/header.ts';
import { writeTar } from '../../../../rootfs-builder/src/tar/write-tar.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { namedInodes } from '../../../../rootfs-builder/src/tree/inodes.ts';
import { CAP_NET_RAW, richTree } from '../rich-tree.ts';
import { arbitraryTree, collect } from '../support.ts';

/** Entries of an archive as an independent reader sees them. */
async function listed(archive: Uint8Array): Promise<{ header: Header; data: Buffer }[]> {
  const entries: { header: Header; data: Buffer }[] = [];
  for await (const entry of Readable.from([archive]).pipe(extract())) {
    const pieces: Buffer[] = [];
    for await (const piece of entry as AsyncIterable<Buffer>) pieces.push(piece);
    entries.push({ header: entry.header, data: Buffer.concat(pieces) });
  }
  return entries;
}

describe('a tar header', () => {
  it('is these bytes', () => {
    const header = Buffer.from(
      encodeTarHeader({
        name: encodeBytes('dev/sda'),
        type: 'block',
        mode: 0o660,
        uid: 0,
        gid: 6,
        sizeBytes: 0,
        mtime: 1_700_000_000,
        major: 8,
        minor: 1,
      }),
    ).toString('latin1');
    const text = (from: number, to: number): string => header.slice(from, to);
    expect(text(0, 8)).toBe('dev/sda\0');
    expect(text(100, 124)).toBe('0000660\x000000000\x000000006\x00');
    expect(text(124, 148)).toBe('00000000000\x0014524770400\x00');
    expect(text(148, 157)).toBe('010517\x00 4');
    expect(text(257, 265)).toBe('ustar\x0000');
    expect(text(329, 345)).toBe('0000010\x000000001\x00');
  });

  it.each([
    ['a', 'x', '6 a=x\n'],
    ['path', 'y'.repeat(90), `99 path=${'y'.repeat(90)}\n`],
    ['path', 'y'.repeat(91), `101 path=${'y'.repeat(91)}\n`],
  ])('has pax records that count their own length', (key, value, record) => {
    expect(Buffer.from(paxRecord(key, encodeBytes(value))).toString()).toBe(record);
  });
});

describe('writeTar()', () => {
  it('writes what another reader reads back, for any tree with names in UTF-8', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree, fc.nat(0xffff_ffff), async (tree, mtime) => {
        fc.pre(tree.entries().every(({ path }) => !/[\ud800-\udfff]/.test(path)));
        const entries = await listed(await collect(writeTar(tree, mtime)));
        expect(entries.map(({ header }) => header.name.replace(/\/$/, '').replace(/^\.$/, '.'))).toEqual(
          namedInodes(tree).map(({ path }) => path),
        );
        for (const [index, { path, inode }] of namedInodes(tree).entries()) {
          const { header, data } = entries[index] ?? { header: undefined, data: undefined };
          const { mode, uid, gid } = inode.entry;
          expect(header).toMatchObject({ mode, uid, gid, mtime: new Date(mtime * 1000) });
          if (inode.names[0] === path && inode.entry.kind === 'file' && inode.entry.content.kind === 'bytes')
            expect(data).toEqual(Buffer.from(inode.entry.content.bytes));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps names that are not UTF-8, byte by byte', async () => {
    const archive = Buffer.from(await collect(writeTar(new FileTree().file('caf\udce9', ''), 0)));
    expect(archive.indexOf(Buffer.from('caf\xe9\0', 'latin1'))).toBe(512);
    const long = await collect(writeTar(new FileTree().file(`${'x'.repeat(120)}\udce9`, ''), 0));
    expect(Buffer.from(long).toString('latin1')).toContain('21 hdrcharset=BINARY\n');
  });

  it('keeps attributes, long names and large owners in pax records', async () => {
    const tree = richTree().symlink(`deep/${'d'.repeat(150)}`, `/${'t'.repeat(180)}`);
    const entries = await listed(await collect(writeTar(tree, 5)));
    const at = (name: string) => entries.find(({ header }) => header.name === name)?.header;
    expect(at('home/user/huge-id')?.pax).toMatchObject({ uid: '4000000000', gid: '3000000000' });
    expect(at(`deep/${'d'.repeat(150)}`)?.linkname).toBe(`/${'t'.repeat(180)}`);
    expect(Object.keys(at('usr/bin/ping')?.pax ?? {})).toEqual([
      'SCHILY.xattr.security.capability',
      'SCHILY.xattr.security.selinux',
    ]);
    const raw = Buffer.from(await collect(writeTar(tree, 5)));
    expect(raw.includes(Buffer.concat([Buffer.from('SCHILY.xattr.security.capability='), CAP_NET_RAW]))).toBe(true);
    expect(at('usr/bin/ping6')).toMatchObject({ type: 'link', linkname: 'usr/bin/ping' });
    expect(at('usr/bin/exact')?.mtime).toEqual(new Date(1_000_000_000_000));
  });

  it('refuses a socket', async () => {
    await expect(collect(writeTar(richTree({ socket: true }), 0))).rejects.toThrow(
      'run/socket: a tar archive cannot hold a socket',
    );
  });
});
