import { describe, expect, it } from 'vitest';
import { subPathOf } from '../../../../agent/src/libcontainer/exec/sub-path.ts';
import { resolveCgroupPath, runtimeCgroupPath } from '../../../../agent/src/libcontainer/cgroup/cgroup-path.ts';

describe('resolveCgroupPath()', () => {
  it.each([
    ['', '/c1'],
    ['/', '/c1'],
    ['::', '/c1'],
    ['/a/b', '/a/b'],
    ['//a/./b/', '/a/b'],
    ['a', '/a'],
    ['pod.slice:cri:id', '/pod.slice/cri/id'],
    ['/a:b/c', '/a:b/c'],
  ])('reads %j as %s', (sent, path) => {
    expect(resolveCgroupPath(sent, 'c1')).toBe(path);
  });

  it.each(['../../x', '/..', 'a/../../..', 'a:b:../c', '/a\nb', `/${'a'.repeat(5000)}`, '/a'.repeat(40)])(
    'CGN-03 refuses %j',
    (sent) => {
      expect(() => resolveCgroupPath(sent, 'c1')).toThrow('linux.cgroupsPath');
    },
  );
});

describe('runtimeCgroupPath()', () => {
  const own = '12:memory:/v1\n0::/user.slice/session-1.scope\n';

  it.each([
    ['/a/b', '/a/b'],
    ['a/b', '/user.slice/a/b'],
    ['', '/user.slice/c1'],
    ['/a:b:c', '/a:b:c'],
  ])('places %j at %s', (sent, path) => {
    expect(runtimeCgroupPath(sent, 'c1', own)).toBe(path);
  });

  it.each(['../x', '/', '/a/../..', 'system.slice:kihon:c1', '/a\u0000b', `/${'a'.repeat(5000)}`])(
    'CGN-03 refuses %j',
    (sent) => {
      expect(() => runtimeCgroupPath(sent, 'c1', own)).toThrow('linux.cgroupsPath');
    },
  );

  it('does not climb out of its cgroup namespace', () => {
    expect(() => runtimeCgroupPath('x', 'c1', '0::/../other\n')).toThrow('linux.cgroupsPath');
    expect(runtimeCgroupPath('x', 'c1', '0::/\n')).toBe('/x');
  });
});

describe('subPathOf()', () => {
  it.each([
    ['0::/a/c1/init\n', '/a/c1', 'init'],
    ['1:x:/y\n0::/kubepods/a/c1/x/y\n', '/a/c1', 'x/y'],
    ['0::/a/c1\n', '/a/c1', undefined],
    ['0::/a/c10/x\n', '/a/c1', undefined],
    ['', '/a', undefined],
  ])('finds where init sits below its cgroup: %j', (text, container, expected) => {
    expect(subPathOf(text, container)).toBe(expected);
  });
});
