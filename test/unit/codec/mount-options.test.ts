import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMountOptions } from '../../../agent/src/codec/mount-options.ts';

const MS = { RDONLY: 1, NOSUID: 2, NODEV: 4, NOEXEC: 8, REMOUNT: 32, BIND: 4096, REC: 16384, PRIVATE: 1 << 18 };

describe('parseMountOptions()', () => {
  it.each<[string[], number, string]>([
    [[], 0, ''],
    [['defaults'], 0, ''],
    [['ro', 'nosuid', 'nodev', 'noexec'], MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC, ''],
    [['ro', 'rw'], 0, ''],
    [['rw', 'ro'], MS.RDONLY, ''],
    [['rbind', 'rprivate'], MS.BIND | MS.REC | MS.PRIVATE, ''],
    [['remount', 'size=64M'], MS.REMOUNT, 'size=64M'],
    [
      ['trans=virtio,version=9p2000.L,cache=mmap', 'nodev', 'msize=8192'],
      MS.NODEV,
      'trans=virtio,version=9p2000.L,cache=mmap,msize=8192',
    ],
    [['__proto__', 'constructor', '_netdev', ''], 0, '__proto__,constructor,_netdev'],
  ])('%j', (options, flags, data) => {
    expect(parseMountOptions(options)).toEqual({ flags, data });
  });

  it('refuses loop and more than a page of data', () => {
    expect(() => parseMountOptions(['loop'])).toThrow('invalid mount option');
    expect(() => parseMountOptions(['x'.repeat(5000)])).toThrow('one page');
  });

  it('gives unsigned flags and keeps all unknown options', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ maxLength: 10 }).map((text) => `x${text}`),
          { maxLength: 20 },
        ),
        (options) => {
          expect(parseMountOptions(options)).toEqual({ flags: 0, data: options.join(',') });
        },
      ),
    );
  });
});
