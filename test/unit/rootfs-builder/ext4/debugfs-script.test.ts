import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { debugfsScript } from '../../../../rootfs-builder/src/ext4/debugfs-script.ts';
import { decodeBytes, encodeBytes } from '../../../../agent/src/base/text.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';

const sources = {
  fileOf: ({ ino }: { readonly ino: number }): string => `/scratch/${ino}`,
  xattrOf: (_: unknown, name: string): string => `/scratch/${name}`,
};
const script = (tree: FileTree): string => Buffer.from(debugfsScript(tree, sources, 100)).toString('latin1');

describe('debugfsScript()', () => {
  it('makes each kind of entry with its owner, mode and links', () => {
    const tree = new FileTree()
      .file('bin/su', '', { mode: 0o4755, uid: 70_000 })
      .link('bin/sudo', 'bin/su')
      .symlink('lib', 'usr/lib')
      .device('null', 'char', 1, 3, { mode: 0o666 })
      .special('pipe', 'fifo')
      .special('sock', 'socket');
    expect(script(tree).split('\n')).toEqual([
      'cd /',
      'sif / mode 040755',
      'sif / uid 0',
      'sif / gid 0',
      'mkdir bin',
      'sif ./bin mode 040755',
      'cd /bin',
      'write /scratch/3 su',
      'sif ./su mode 0104755',
      'sif ./su uid 70000',
      'sif ./su links_count 2',
      'ln /bin/su sudo',
      'cd /',
      'symlink lib usr/lib',
      'sif ./lib mode 0120777',
      'mknod null c 1 3',
      'sif ./null mode 020666',
      'mknod pipe p',
      'sif ./pipe mode 010600',
      'mknod sock p',
      'sif ./sock mode 0140600',
      '',
    ]);
  });

  it('quotes names as the program takes words, and never lets one be taken for an inode number', () => {
    const lines = script(new FileTree().file('a b', '').file('q"q', '').file('<2>', '').file('#x', ''));
    expect(lines).toContain('write /scratch/4 "a b"\n');
    expect(lines).toContain('sif "./a b" mode');
    expect(lines).toContain('write /scratch/5 "q""q"\n');
    expect(lines).toContain('sif "./<2>" mode');
    expect(lines).toContain('write /scratch/2 "#x"\n');
  });

  it('says each name so that the program reads the same bytes, whatever they are', () => {
    // As ss_parse() of libss takes a line apart: blanks end words, quotation marks keep them, and two of them are one.
    const wordsOf = (line: string): string[] =>
      [...line.matchAll(/(?:"(?:[^"]|"")*"|[^ "])+/g)].map(([word]) =>
        word.replace(/"((?:[^"]|"")*)"/g, (_, inner: string) => inner.replaceAll('""', '"')),
      );
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 20, min: 1 })
      .map((bytes) => decodeBytes(bytes.map((byte) => (byte === 0x2f ? 0x22 : byte))))
      .filter((each) => each !== '.' && each !== '..');
    fc.assert(
      fc.property(name, (each) => {
        const tree = new FileTree();
        try {
          tree.file(each, '');
        } catch (error) {
          expect(error).toBeInstanceOf(BuildError); // a newline
          return;
        }
        const lines = script(tree).split('\n');
        const bytes = Buffer.from(encodeBytes(each)).toString('latin1');
        expect(wordsOf(lines.find((line) => line.startsWith('write ')) ?? '')).toEqual(['write', '/scratch/2', bytes]);
        expect(lines.map(wordsOf)).toContainEqual(['sif', `./${bytes}`, 'mode', '0100644']);
      }),
    );
  });

  it('sets times of their own, beyond 2038 with the extra bits', () => {
    const lines = script(new FileTree().file('old', '', { mtime: 5 }).file('new', '', { mtime: 2 ** 31 + 7 }));
    expect(lines).toContain('sif ./old mtime @5\nsif ./old atime @5\n');
    expect(lines).toContain('sif ./new mtime @2147483655\nsif ./new mtime_extra 1\n');
    expect(lines).not.toContain('sif ./old mtime_extra');
  });

  it('sets attributes in a fixed order', () => {
    const xattrs = new Map([
      ['user.b', Uint8Array.of(1)],
      ['security.a', Uint8Array.of(2)],
    ]);
    expect(script(new FileTree().file('f', '', { xattrs }))).toContain(
      'ea_set -f /scratch/security.a ./f security.a\nea_set -f /scratch/user.b ./f user.b\n',
    );
  });

  it.each([
    ['a symlink with newline', new FileTree().symlink('a', 'b\nquit'), 'takes no newline'],
    [
      'an attribute that is longer than what debugfs reads',
      new FileTree().file('f', '', { xattrs: new Map([['user.x', new Uint8Array(4097)]]) }),
      'ext4: f: extended attribute user.x of 4097 bytes',
    ],
    ['a name that no line holds', new FileTree().symlink('a', '"'.repeat(4095)), 'too long for debugfs'],
  ])('refuses %s', (_, tree, message) => {
    expect(() => script(tree)).toThrow(message);
  });

  it('refuses more links than ext4 counts', () => {
    const tree = new FileTree().file('f', '');
    for (let index = 0; index < 65_000; index++) tree.link(`l/${index}`, 'f');
    expect(() => script(tree)).toThrow('ext4: f: 65001 hard links; 65000 are possible');
  });
});
