import { describe, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';

describe('FileTree', () => {
  it('makes parent directories by itself and lets a later one change their ownership', () => {
    const tree = new FileTree().file('var/lib/x', '').dir('var', { mode: 0o700, gid: 4 });
    expect(tree.get('var/lib')).toMatchObject({ kind: 'dir', mode: 0o755, uid: 0 });
    expect(tree.get('var')).toMatchObject({ mode: 0o700, gid: 4 });
    expect(tree.get('var/lib/x')).toBeDefined();
  });

  it('replaces a file, but never a directory by something else', () => {
    const tree = new FileTree().symlink('init', 'sbin/init').file('init', 'agent').dir('etc');
    expect(tree.get('init')).toMatchObject({ kind: 'file' });
    expect(() => tree.file('etc', '')).toThrow('etc: a directory is there already');
  });

  it('refuses a path whose parent is no directory', () => {
    const tree = new FileTree().symlink('lib', 'usr/lib').file('f', '');
    expect(() => tree.file('lib/x', '')).toThrow('lib/x: its parent lib is a symlink, not a directory');
    expect(() => tree.dir('f/x')).toThrow('its parent f is a file');
    // What is refused leaves no parent of its own either.
    expect(() => tree.dir('f/x/y')).toThrow('its parent f is a file');
    expect(tree.get('f/x')).toBeUndefined();
  });

  it.each([
    ['', 'is empty'],
    ['/etc/passwd', 'must be relative'],
    ['../etc/passwd', 'component ".."'],
    ['a/../../b', 'component ".."'],
    ['..', 'component ".."'],
    ['a//b', 'component ""'],
    ['a/', 'component ""'],
    ['./a', 'component "."'],
    ['a\nb', 'newline'],
    ['a\0b', 'NUL'],
    ['x'.repeat(256), 'longer than 255 bytes'],
    ['é'.repeat(128), 'longer than 255 bytes'],
    [`${'x'.repeat(255)}/`.repeat(16) + 'y', 'longer than 4095 bytes'],
  ])('refuses the hostile name %j in one line', (path, reason) => {
    for (const attempt of [
      () => new FileTree().file(path, ''),
      () => new FileTree().dir(path),
      () => new FileTree().link('ok', path),
    ]) {
      expect(attempt).toThrow(BuildError);
      expect(attempt).toThrow(reason);
      expect(attempt).not.toThrow(/\n/);
    }
  });

  it.each([
    ['a mode over twelve bits', () => new FileTree().file('a', '', { mode: 0o10000 }), 'a: bad mode 010000'],
    ['a negative owner', () => new FileTree().file('a', '', { uid: -1 }), 'a: bad owner -1:0'],
    ['the owner that means "unchanged"', () => new FileTree().dir('a', { gid: 0xffff_ffff }), 'a: bad owner'],
    ['an empty symlink', () => new FileTree().symlink('a', ''), 'symlink a: bad target ""'],
  ])('refuses %s', (_, attempt, message) => {
    expect(attempt).toThrow(message);
  });

  describe('locate()', () => {
    const tree = new FileTree()
      .dir('usr/lib')
      .symlink('lib', 'usr/lib')
      .symlink('abs', '/usr')
      .symlink('up', '../../../usr')
      .symlink('one', 'two')
      .symlink('two', 'one');

    it.each([
      ['lib/modules/x', 'usr/lib/modules/x'],
      ['abs/lib/x', 'usr/lib/x'],
      ['up/x', 'usr/x'],
      ['lib', 'lib'],
      ['etc/x', 'etc/x'],
    ])('%s is %s', (path, place) => expect(tree.locate(path)).toBe(place));

    it('refuses a circle', () => expect(() => tree.locate('one/x')).toThrow('one/x: too many symlinks'));
  });
});
