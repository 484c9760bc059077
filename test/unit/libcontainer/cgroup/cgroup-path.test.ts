import { describe, expect, it } from 'vitest';
import { subPathOf } from '../../../../agent/src/libcontainer/exec/sub-path.ts';
import { resolveCgroupPath } from '../../../../agent/src/libcontainer/cgroup/cgroup-path.ts';

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
