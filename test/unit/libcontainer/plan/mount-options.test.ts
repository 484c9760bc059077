import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MOUNT_ATTR__ATIME,
} from '../../../../agent/src/abi/constants.ts';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import { knownMountOptions, parseMountOptions } from '../../../../agent/src/libcontainer/plan/mount-options.ts';

const nothing = { set: 0, clear: 0 };

describe('parseMountOptions()', () => {
  it('sorts attributes, propagation and parameters of the file system', () => {
    expect(parseMountOptions(['nosuid', 'nodev', 'mode=755', 'sync', 'rslave', 'defaults'], 'f')).toEqual({
      bind: 'no',
      attributes: { set: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, clear: 0 },
      recursiveAttributes: nothing,
      propagation: { kind: 'slave', isRecursive: true },
      idmap: 'no',
      extensions: new Set(),
      parameters: [
        ['mode', '755'],
        ['sync', null],
      ],
    });
  });

  it('keeps recursive options of a bind apart from those of its top mount', () => {
    const options = parseMountOptions(['rbind', 'ro', 'rnosuid', 'private'], 'f');
    expect(options.bind).toBe('rbind');
    expect(options.attributes).toEqual({ set: MOUNT_ATTR_RDONLY, clear: 0 });
    expect(options.recursiveAttributes).toEqual({ set: MOUNT_ATTR_NOSUID, clear: 0 });
    expect(options.propagation).toEqual({ kind: 'private', isRecursive: false });
  });

  it('reads `relatime` and `rro` as what they are, not as recursive twins of something else', () => {
    expect(parseMountOptions(['relatime'], 'f').attributes).toEqual({ set: 0, clear: MOUNT_ATTR__ATIME });
    expect(parseMountOptions(['rro'], 'f').recursiveAttributes).toEqual({ set: MOUNT_ATTR_RDONLY, clear: 0 });
    expect(parseMountOptions(['rw'], 'f').attributes).toEqual({ set: 0, clear: MOUNT_ATTR_RDONLY });
  });

  it('lets the last of two opposite options win', () => {
    expect(parseMountOptions(['ro', 'rw'], 'f').attributes).toEqual({ set: 0, clear: MOUNT_ATTR_RDONLY });
    expect(parseMountOptions(['rw', 'ro'], 'f').attributes).toEqual({ set: MOUNT_ATTR_RDONLY, clear: 0 });
    const times = parseMountOptions(['noatime', 'strictatime'], 'f').attributes;
    expect(times).toEqual({ set: MOUNT_ATTR_STRICTATIME, clear: MOUNT_ATTR__ATIME });
    expect(parseMountOptions(['strictatime', 'noatime'], 'f').attributes.set).toBe(MOUNT_ATTR_NOATIME);
  });

  it('lets a later option take a flag of the superblock back', () => {
    const names = (...options: string[]) => parseMountOptions(options, 'f').parameters.map(([name]) => name);
    expect(names('sync', 'lazytime', 'mand', 'async')).toEqual(['lazytime', 'mand']);
    expect(names('lazytime', 'nolazytime', 'mand', 'nomand')).toEqual([]);
    expect(names('async', 'sync')).toEqual(['sync']);
  });

  it.each([
    [['bind', 'mode=755']],
    [['rbind', 'sync']],
    [['remount', 'size=1m']],
    [['remount', 'tmpcopyup']],
    [['remount', 'bind', 'idmap']],
    [['bind', 'idmap=uids=0-1000-1']],
    [['idmap']],
    [['ridmap', 'size=1m']],
    [['src-nofollow']],
    [['copy-symlink']],
    [['move']],
  ])('MNT-14 refuses %j, which would be dropped silently', (options) => {
    expect(() => parseMountOptions(options, 'mounts[0].options')).toThrow('mounts[0].options');
  });

  /** Options of mount(8) and the specification with the bits they stand for; each has a twin for the subtree. */
  it.each<[string, number, number]>([
    ['ro', MOUNT_ATTR_RDONLY, 0],
    ['rw', 0, MOUNT_ATTR_RDONLY],
    ['nosuid', MOUNT_ATTR_NOSUID, 0],
    ['suid', 0, MOUNT_ATTR_NOSUID],
    ['nodev', MOUNT_ATTR_NODEV, 0],
    ['dev', 0, MOUNT_ATTR_NODEV],
    ['noexec', MOUNT_ATTR_NOEXEC, 0],
    ['exec', 0, MOUNT_ATTR_NOEXEC],
    ['nodiratime', MOUNT_ATTR_NODIRATIME, 0],
    ['diratime', 0, MOUNT_ATTR_NODIRATIME],
    ['nosymfollow', MOUNT_ATTR_NOSYMFOLLOW, 0],
    ['symfollow', 0, MOUNT_ATTR_NOSYMFOLLOW],
    ['noatime', MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME],
    ['relatime', 0, MOUNT_ATTR__ATIME],
    ['strictatime', MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME],
  ])('%s, for one mount and for all below', (option, set, clear) => {
    expect(parseMountOptions([option], 'f')).toMatchObject({
      attributes: { set, clear },
      recursiveAttributes: nothing,
    });
    expect(parseMountOptions([`r${option}`], 'f')).toMatchObject({
      attributes: nothing,
      recursiveAttributes: { set, clear },
    });
  });

  it('knows id maps and ways to mount apart from parameters', () => {
    const options = parseMountOptions(['rbind', 'ridmap', 'src-nofollow', 'dest-nofollow'], 'f');
    expect(options).toMatchObject({ bind: 'rbind', idmap: 'ridmap', parameters: [] });
    expect(options.extensions).toEqual(new Set(['src-nofollow', 'dest-nofollow']));
    expect(parseMountOptions(['idmap'], 'f', true)).toMatchObject({ bind: 'bind', idmap: 'idmap' });
  });

  it('takes every option that it says it knows', () => {
    expect(knownMountOptions).toEqual(expect.arrayContaining(['rro', 'rbind', 'runbindable', 'tmpcopyup', 'lazytime']));
    for (const option of knownMountOptions) {
      const isSuperblock = ['sync', 'dirsync', 'lazytime', 'mand'].includes(option);
      const bind = isSuperblock || option === 'remount' || option === 'tmpcopyup' ? [] : ['bind'];
      const { parameters } = parseMountOptions([...bind, option], 'f');
      expect(parameters).toEqual(isSuperblock ? [[option, null]] : []);
    }
  });

  it('either explains or keeps whatever it is given, and never throws anything else', () => {
    const word = fc.oneof(fc.constantFrom(...knownMountOptions), fc.string());
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), fc.boolean(), (options, isBind) => {
        try {
          const parsed = parseMountOptions(options, 'f', isBind);
          if (parsed.bind !== 'no') expect(parsed.parameters).toEqual([]);
        } catch (error) {
          expect(error).toBeInstanceOf(DomainError);
        }
      }),
    );
  });

  it('never both sets and clears one bit outside the access-time field', () => {
    const option = fc.constantFrom(
      'ro',
      'rw',
      'nosuid',
      'suid',
      'dev',
      'nodev',
      'noatime',
      'relatime',
      'exec',
      'noexec',
    );
    fc.assert(
      fc.property(fc.array(option), (options) => {
        const { set, clear } = parseMountOptions(options, 'f').attributes;
        expect(set & clear & ~MOUNT_ATTR__ATIME).toBe(0);
      }),
    );
  });
});
