import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArchiveLoader } from '../../../../rootfs-builder/src/archive/archive-loader.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { PackWriter } from '../../../../rootfs-builder/src/cache/pack-writer.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { namedInodes } from '../../../../rootfs-builder/src/tree/inodes.ts';
import { readText } from '../../../../rootfs-builder/src/tree/read-text.ts';
import { streamOf } from '../support.ts';
import type { RawEntry } from './tar-support.ts';
import { paxHeader, paxRecord, tarArchive, tarEntry } from './tar-support.ts';

let folder = '';
let pack: PackWriter;
let tree: FileTree;
let loader: ArchiveLoader;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kihon-loader-'));
  pack = new PackWriter(join(folder, 'pack'));
  tree = new FileTree();
  loader = new ArchiveLoader(tree, pack);
});
afterEach(() => {
  pack[Symbol.dispose]();
  // Whatever an archive said, this is all that there may be.
  expect(readdirSync(folder)).toEqual(['pack']);
  rmSync(folder, { recursive: true });
});

const load = (...parts: (Buffer | RawEntry)[]) => loader.load('test', streamOf(tarArchive(...parts)));
const layer = (...parts: (Buffer | RawEntry)[]) =>
  loader.load('layer', streamOf(tarArchive(...parts)), { whiteouts: true });
const paths = () => tree.entries().map(({ path }) => path);

describe('VMB-11: an archive never writes outside its root', () => {
  it.each([
    ['a name with ".."', { name: '../outside' }, 'names with ".." are refused'],
    ['a name with ".." that comes back', { name: 'a/../../outside' }, 'names with ".." are refused'],
    ['an absolute name', { name: '/etc/passwd' }, 'absolute names are refused'],
    ['a hard link with ".."', { name: 'x', type: '1', link: '../../etc/passwd' }, 'names with ".." are refused'],
    ['a hard link to an absolute name', { name: 'x', type: '1', link: '/etc/passwd' }, 'absolute names are refused'],
    ['a hard link to what is not there', { name: 'x', type: '1', link: 'etc/passwd' }, 'which is not there'],
    ['a name with a newline', { name: 'a\nb' }, 'contains a newline or NUL'],
    ['the root as a file', { name: './', type: '2', link: '/' }, 'replaces the root'],
  ])('%s is refused', async (_what, entry, message) => {
    await expect(load(entry)).rejects.toThrow(message);
    await expect(load(entry)).rejects.toBeInstanceOf(BuildError);
    expect(paths()).toEqual(['.']);
  });

  it('a symlink that leads outside is data, and a file through it stays inside', async () => {
    await load({ name: 'evil', type: '2', link: '../../../../tmp' }, { name: 'evil/x', data: 'in' });
    expect(tree.get('evil')).toMatchObject({ kind: 'symlink', target: '../../../../tmp' });
    expect(await readText(tree, 'tmp/x')).toBe('in');
  });

  it('an absolute symlink means the root of the guest', async () => {
    await load({ name: 'lib', type: '2', link: '/usr/lib' }, { name: 'lib/a/b', data: 'in' });
    expect(await readText(tree, 'usr/lib/a/b')).toBe('in');
  });

  it('a loop of symlinks is refused', async () => {
    const loop = [
      { name: 'a', type: '2', link: 'b' },
      { name: 'b', type: '2', link: 'a' },
    ];
    await expect(load(...loop, { name: 'a/x' })).rejects.toThrow('too many symlinks');
  });

  it('a hard link to a symlink to outside and a file over it change neither', async () => {
    await load(
      { name: 's', type: '2', link: '/etc/shadow' },
      { name: 'h', type: '1', link: 's' },
      { name: 'h', data: 'new' },
    );
    expect(tree.get('s')).toMatchObject({ kind: 'symlink', target: '/etc/shadow' });
    expect(await readText(tree, 'h')).toBe('new');
  });

  it('whiteouts of parents and of nothing are refused', async () => {
    for (const name of ['a/.wh...', 'a/.wh..', '.wh.'])
      await expect(layer({ name: 'a/', type: '5' }, { name })).rejects.toThrow('a whiteout of');
  });

  it('a name of 1 MiB and a size that lies are refused before memory is taken', async () => {
    await expect(load(paxHeader(paxRecord('path', 'n'.repeat(1024 ** 2))), { name: 'n' })).rejects.toThrow(
      'longer than',
    );
    await expect(load(tarEntry({ name: 'f', size: 0o77777777777 }))).rejects.toThrow('cut off');
  });

  it('a file under a file is refused', async () => {
    await expect(load({ name: 'a' }, { name: 'a/b' })).rejects.toThrow('its parent a is a file');
  });

  it('too many entries and too many bytes are refused', async () => {
    const small = (limits: { entries: number; bytes: number }) => new ArchiveLoader(new FileTree(), pack, limits);
    const archive = tarArchive({ name: 'a', data: 'xx' }, { name: 'b', data: 'xx' });
    await expect(small({ entries: 1, bytes: 99 }).load('t', streamOf(archive))).rejects.toThrow('more than 1 entries');
    await expect(small({ entries: 9, bytes: 3 }).load('t', streamOf(archive))).rejects.toThrow('more than 3 bytes');
  });

  it('device nodes are data', async () => {
    await load({ name: 'sda', type: '4', major: 8, minor: 0, mode: 0o600 });
    expect(tree.get('sda')).toMatchObject({ kind: 'block', major: 8, minor: 0 });
  });
});

describe('layers', () => {
  it('a whiteout removes what lower layers brought, with all below it', async () => {
    await layer({ name: 'd/', type: '5' }, { name: 'd/a' }, { name: 'keep' });
    await layer({ name: '.wh.d' });
    expect(paths()).toEqual(['.', 'keep']);
  });

  it('an opaque folder keeps what its own layer brought, in any order', async () => {
    for (const order of [0, 1]) {
      tree = new FileTree();
      loader = new ArchiveLoader(tree, pack);
      await layer({ name: 'd/', type: '5' }, { name: 'd/old' }, { name: 'd/sub/old' });
      const parts = [{ name: 'd/.wh..wh..opq' }, { name: 'd/sub/new' }];
      await layer(...(order === 0 ? parts : parts.reverse()));
      expect(paths()).toEqual(['.', 'd', 'd/sub', 'd/sub/new']);
    }
  });

  it('a file that is removed lives on under its other names', async () => {
    await layer({ name: 'a', data: 'text' }, { name: 'b', type: '1', link: 'a' }, { name: 'c', type: '1', link: 'b' });
    await layer({ name: '.wh.a' });
    expect(await readText(tree, 'b')).toBe('text');
    expect(tree.get('c')).toMatchObject({ kind: 'link', target: 'b' });
  });

  it('a file that is replaced changes under that name only', async () => {
    await layer({ name: 'a', data: 'old' }, { name: 'b', type: '1', link: 'a' });
    await layer({ name: 'a', data: 'new' });
    expect([await readText(tree, 'a'), await readText(tree, 'b')]).toEqual(['new', 'old']);
  });

  it('what is large goes into the pack and comes back from there', async () => {
    const text = 'large '.repeat(100_000);
    await layer({ name: 'x', data: 'small' }, { name: 'y', data: text });
    pack.flush();
    expect(await readText(tree, 'y')).toBe(text);
  });

  it('a link cannot lead into the directory that it replaces', async () => {
    const own = new ArchiveLoader(new FileTree(), pack);
    const parts = [
      { name: 'a/b', type: '0', link: '' },
      { name: 'a', type: '1', link: 'a/b' },
    ];
    await expect(own.load('layer', streamOf(tarArchive(...parts)), { whiteouts: true })).rejects.toThrow(
      'layer: archive entry "a": links to "a/b" in the directory that it replaces',
    );
  });

  it('any sequence of layers leaves a tree whose links lead somewhere', async () => {
    const name = fc.constantFrom('a', 'b', 'a/b', 'a/c', 'b/.wh.c', '.wh.a', '.wh.b', 'a/.wh..wh..opq', 's/x', 's');
    const type = fc.constantFrom('0', '1', '2', '5');
    const link = fc.constantFrom('a', 'b', 'a/b', '.', '/', 's');
    const entries = fc.array(fc.record({ name, type, link }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(entries, { maxLength: 3 }), async (layers) => {
        const built = new FileTree();
        const own = new ArchiveLoader(built, pack);
        try {
          for (const parts of layers) await own.load('layer', streamOf(tarArchive(...parts)), { whiteouts: true });
        } catch (error) {
          if (!(error instanceof BuildError)) throw error;
        }
        expect(namedInodes(built)).toHaveLength(built.size);
      }),
    );
  });
});
