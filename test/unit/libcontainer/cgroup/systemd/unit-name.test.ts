import { expect, it } from 'vitest';
import { expandSlice, unitPlaceOf } from '../../../../../agent/src/libcontainer/cgroup/systemd/unit-name.ts';

it.each<[string, readonly string[]]>([
  ['system.slice', ['system.slice']],
  ['a-b-c.slice', ['a.slice', 'a-b.slice', 'a-b-c.slice']],
  ['-.slice', []],
])('the slice %s is below those that its name tells', (slice, folders) => {
  expect(expandSlice(slice)).toEqual(folders);
});

it.each(['a', '.slice', '-a.slice', 'a-.slice', 'a--b.slice', 'a/b.slice', 'a b.slice', '..slice/..', ''])(
  '%j is no slice',
  (slice) => {
    expect(() => expandSlice(slice)).toThrow('linux.cgroupsPath');
  },
);

it.each<[string, string, string]>([
  ['', 'kihon-c1.scope', '/system.slice/kihon-c1.scope'],
  ['::', 'c1.scope', '/system.slice/c1.scope'],
  ['a-b.slice:cri:7f', 'cri-7f.scope', '/a.slice/a-b.slice/cri-7f.scope'],
  ['-.slice::x', 'x.scope', '/x.scope'],
])('the path %j is the unit %s', (path, name, place) => {
  expect(unitPlaceOf(path, 'c1', 'system.slice')).toMatchObject({ name, path: place });
});

it.each([
  '/a/b',
  'a',
  'a:b',
  'a.slice:b:c:d',
  'a.slice:b:c/d',
  'a.slice:b:c.slice',
  'a.slice:b:c\n',
  `a.slice:b:${'c'.repeat(250)}`,
])('CGN-03 the path %j is refused', (path) => {
  expect(() => unitPlaceOf(path, 'c1', 'system.slice')).toThrow('linux.cgroupsPath');
});

it('an id that systemd would not take as a name is refused', () => {
  expect(() => unitPlaceOf('', 'a+b', 'system.slice')).toThrow('kihon-a+b.scope');
});
