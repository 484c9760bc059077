import { describe, expect, it } from 'vitest';
import { describeStep, EARLY_STEPS, LATE_STEPS } from '../../../../agent/src/guest/boot/boot-plan.ts';
import { hostnameFrom } from '../../../../agent/src/guest/boot/hostname.ts';
import { isInitialRamfs, parseProcMounts } from '../../../../agent/src/guest/boot/proc-mounts.ts';
import { parseModuleList } from '../../../../agent/src/guest/modules/module-list.ts';

describe('the boot plan', () => {
  it('mounts what the contract lists, in its order', () => {
    const mounts = EARLY_STEPS.filter((step) => step.kind === 'mount');
    expect(mounts.map((step) => [step.fstype, step.source, step.target, step.flags, step.isRequired])).toEqual([
      ['proc', 'proc', '/proc', 14, true],
      ['sysfs', 'sysfs', '/sys', 14, true],
      ['devtmpfs', 'dev', '/dev', 2, false],
      ['tmpfs', 'tmpfs', '/dev/shm', 6, true],
      ['devpts', 'devpts', '/dev/pts', 10, true],
      ['tmpfs', 'tmpfs', '/run', 6, true],
    ]);
  });

  it('goes on without console, modules, cgroup controllers or terminal', () => {
    const optional = [...EARLY_STEPS, ...LATE_STEPS].filter((step) => !step.isRequired).map(describeStep);
    expect(optional).toEqual([
      'mount devtmpfs on /dev',
      'open the standard streams',
      'load kernel modules',
      'prepare the cgroup hierarchy',
      'begin a session on the console',
      'set the host name',
    ]);
  });

  it('delegates by cgroup namespace', () => {
    expect(LATE_STEPS[0]).toMatchObject({
      kind: 'mount',
      fstype: 'cgroup2',
      target: '/sys/fs/cgroup',
      data: 'nsdelegate',
    });
  });
});

describe('isInitialRamfs()', () => {
  it('tells the initial ramfs from what replaced it', () => {
    expect(isInitialRamfs(parseProcMounts('rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\n'))).toBe(true);
    expect(isInitialRamfs(parseProcMounts('tmpfs / tmpfs rw,mode=755 0 0\n'))).toBe(false);
    expect(isInitialRamfs(parseProcMounts('/dev/vda1 / ext4 ro 0 0\n'))).toBe(false);
    expect(isInitialRamfs(parseProcMounts(''))).toBe(false);
  });
});

describe('parseProcMounts()', () => {
  it('gives paths as they are, blanks and the like included (MNT-16)', () => {
    const text = 'tmpfs /run/a\\040b\\011c\\012d\\134e\\043f tmpfs rw 0 0\nhalf\n';
    expect(parseProcMounts(text)).toEqual([{ target: '/run/a b\tc\nd\\e#f', fstype: 'tmpfs' }]);
  });
});

describe('hostnameFrom()', () => {
  it.each([
    [undefined, 'localhost'],
    ['', 'localhost'],
    ['\n', 'localhost'],
    ['kata\n', 'kata'],
    ['pod-1 comment\n', 'pod-1'],
    ['x'.repeat(100), 'x'.repeat(64)],
  ])('%j', (text, name) => {
    expect(hostnameFrom(text)).toBe(name);
  });
});

describe('parseModuleList()', () => {
  it('reads paths, parameters and comments in order', () => {
    const text = '# made by the image builder\n/lib/a.ko\n\n  /lib/b.ko  debug=1 x="a b"\nrelative.ko\n';
    expect(parseModuleList(text)).toEqual({
      modules: [
        { path: '/lib/a.ko', parameters: '' },
        { path: '/lib/b.ko', parameters: 'debug=1 x="a b"' },
      ],
      bad: ['relative.ko'],
    });
  });
});
