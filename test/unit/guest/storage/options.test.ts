import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findGroupId,
  findMode,
  parseHugePages,
  tmpfsOptions,
  withoutGroupId,
} from '../../../../agent/src/guest/storage/ephemeral-options.ts';
import { fsGroupMode, isFsGroupApplied } from '../../../../agent/src/guest/storage/fs-group-mode.ts';
import { growHugePagePool, shrinkHugePagePool } from '../../../../agent/src/guest/storage/huge-page-pool.ts';
import { parseMountPoint } from '../../../../agent/src/guest/storage/mount-point.ts';
import { FakeKernelFiles } from '../fake-kernel-files.ts';

describe('options of memory volumes', () => {
  it('finds the group and the mode, the last ones winning', () => {
    expect(findGroupId(['a', 'fsgid=1', 'fsgid=1000'])).toBe(1000);
    expect(findGroupId(['fsgid=1=2', 'mode=0777'])).toBeUndefined();
    expect(findMode(['mode=0777', 'fsgid=5'])).toBe(0o777);
    expect(findMode(['mode=102770'])).toBe(0o2770);
  });

  it.each(['fsgid=', 'fsgid=-1', 'fsgid=x', 'fsgid=4294967295', 'fsgid=0x10'])('refuses %s', (option) => {
    expect(() => findGroupId([option])).toThrow('is not a group id');
  });

  it.each(['mode=', 'mode=8', 'mode=0x1', 'mode=77777777'])('refuses %s', (option) => {
    expect(() => findMode([option])).toThrow('is not an octal mode');
  });

  it('honours what tmpfs knows and leaves out the rest', () => {
    const options = [
      'noexec',
      'nosuid',
      'nodev',
      'mode=1777',
      'size=67108864',
      'fsgid=5',
      'ro',
      'remount',
      'X-kata.a',
      'a=b=c',
    ];
    expect(tmpfsOptions(options)).toEqual(['noexec', 'nosuid', 'nodev', 'mode=1777', 'size=67108864']);
    expect(withoutGroupId(['remount', 'fsgid=5', 'size=1M'])).toEqual(['remount', 'size=1M']);
  });

  it('reads the sizes of huge pages, from one string or two', () => {
    const request = { pageSizeBytes: 2097152n, pageCount: 2n };
    expect(parseHugePages(['pagesize=2097152,size=4194304'])).toEqual(request);
    expect(parseHugePages(['size=4194304', 'pagesize=2097152'])).toEqual(request);
    expect(() => parseHugePages(['size=4194304'])).toThrow('no pagesize/size options found');
    expect(() => parseHugePages(['pagesize=2M,size=4M'])).toThrow('is not a number');
    expect(() => parseHugePages(['pagesize=0,size=4'])).toThrow('not the size of a huge page');
  });
});

describe('the huge page pool', () => {
  const path = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';
  const request = { pageSizeBytes: 2097152n, pageCount: 2n };

  it('is added to, not overwritten', () => {
    const files = new FakeKernelFiles({ [path]: '3\n' });
    growHugePagePool(files, request);
    expect(files.tryRead(path)).toBe('5');
    shrinkHugePagePool(files, request);
    expect(files.tryRead(path)).toBe('3');
  });

  it('is left as it was when the kernel finds too few pages', () => {
    const files = new FakeKernelFiles({ [path]: '3\n' });
    files.onWrite = (name, text) => void files.files.set(name, text === '5' ? '4' : text);
    expect(() => growHugePagePool(files, request)).toThrow('Only allocated 1 of 2 hugepages of size 2097152');
    expect(files.tryRead(path)).toBe('3');
  });

  it('fails by name for a page size the guest does not have', () => {
    expect(() => growHugePagePool(new FakeKernelFiles(), request)).toThrow('no huge page pool');
  });
});

describe('fsGroupMode()', () => {
  it.each([
    [0o600, false, false, 0o660],
    [0o644, false, false, 0o664],
    [0o400, false, true, 0o440],
    [0o700, true, false, 0o2770],
    [0o500, true, true, 0o2550],
    [0o4755, false, false, 0o4775],
  ])('%o, directory %s, read-only %s gives %o', (mode, isDirectory, isReadOnly, expected) => {
    expect(fsGroupMode(mode, isDirectory, isReadOnly)).toBe(expected);
  });

  it('only adds bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0o7777 }), fc.boolean(), fc.boolean(), (mode, isDirectory, isReadOnly) => {
        expect(fsGroupMode(mode, isDirectory, isReadOnly) & mode).toBe(mode);
      }),
    );
  });

  it('sees when the root belongs to the group already', () => {
    expect(isFsGroupApplied({ mode: 0o2775, gid: 5 }, 5, false)).toBe(true);
    expect(isFsGroupApplied({ mode: 0o775, gid: 5 }, 5, false)).toBe(false);
    expect(isFsGroupApplied({ mode: 0o2775, gid: 4 }, 5, false)).toBe(false);
  });
});

describe('parseMountPoint()', () => {
  it.each([
    ['/run/kata-containers/shared/containers/', '/run/kata-containers', ['shared', 'containers']],
    ['/run//kata-containers/sandbox/shm', '/run/kata-containers', ['sandbox', 'shm']],
    ['/run/user/1000/run/kata-containers/a', '/run/user/1000/run/kata-containers', ['a']],
  ])('%s', (text, base, parts) => {
    expect(parseMountPoint(text)).toEqual({ path: `${base}/${parts.join('/')}`, base, parts });
  });

  it.each([
    '',
    'run/kata-containers/a',
    '/',
    '/run',
    '/run/kata-containers',
    '/run/kata-containers/',
    '/run/kata-containers/./a',
    '/run/kata-containers/a/..',
    '/run/kata-containers-x/a',
    '/run/user/0/run/kata-containers/a',
    '/run/user/007/run/kata-containers/a',
    '/run/user/1000/a',
    '/tmp/run/kata-containers/a',
    `/run/kata-containers/${'a'.repeat(5000)}`,
  ])('refuses %j', (text) => {
    expect(() => parseMountPoint(text)).toThrow('storage.mount_point');
  });

  it('never gives a place outside its base', () => {
    const part = fc.constantFrom('..', '.', '', 'a', 'run', 'kata-containers', '\u0000', 'b/..');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        let point: ReturnType<typeof parseMountPoint>;
        try {
          point = parseMountPoint(`/run/kata-containers/${parts.join('/')}`);
        } catch {
          return;
        }
        expect(point.parts.every((each) => /^[^/\0]+$/.test(each) && each !== '.' && each !== '..')).toBe(true);
        expect(point.parts.length).toBeGreaterThan(0);
      }),
    );
  });
});
