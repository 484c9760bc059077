import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MOUNT_ATTR__ATIME,
} from '../../../../agent/src/abi/constants.ts';
import { parseMountOptions } from '../../../../agent/src/libcontainer/plan/mount-options.ts';

const nothing = { set: 0, clear: 0 };

describe('parseMountOptions()', () => {
  it('sorts attributes, propagation and parameters of the file system', () => {
    expect(parseMountOptions(['nosuid', 'nodev', 'mode=755', 'sync', 'rslave', 'defaults'], 'f')).toEqual({
      bind: 'no',
      attributes: { set: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, clear: 0 },
      recursiveAttributes: nothing,
      propagation: { kind: 'slave', isRecursive: true },
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

  it.each([
    [['bind', 'mode=755']],
    [['rbind', 'sync']],
    [['remount', 'size=1m']],
    [['idmap=uids=0-1000-1']],
    [['tmpcopyup']],
  ])('MNT-14 refuses %j, which would be dropped silently', (options) => {
    expect(() => parseMountOptions(options, 'mounts[0].options')).toThrow('mounts[0].options');
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
