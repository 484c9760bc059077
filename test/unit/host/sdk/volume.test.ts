import { describe, expect, test } from 'vitest';
import { containerBinds, guestRootfs, guestVolumeSource, parseVolume } from '../../../../host/sdk/volume.ts';

describe('parseVolume', () => {
  test.each([
    ['/a:/b', { source: '/a', destination: '/b', readOnly: false }],
    ['/a:/b/../c'.replace('/../', '/./'), { source: '/a', destination: '/b/c', readOnly: false }],
    ['rel:/b:ro', { source: 'rel', destination: '/b', readOnly: true }],
    ['/a:/b:rw', { source: '/a', destination: '/b', readOnly: false }],
  ])('%s', (text, expected) => {
    expect(parseVolume(text)).toEqual(expected);
  });

  test.each(['', '/a', ':/b', '/a:', '/a:b', '/a:/b:rx', '/a:/b:ro:x', '/a:/b/../../c'])('%j is refused', (text) => {
    expect(() => parseVolume(text)).toThrow(/^volume /);
  });
});

test('root filesystem and volumes have their own places in the share, as the guest will name them', () => {
  const volume = { source: '/data', destination: '/srv/data', readOnly: true };
  const binds = containerBinds('box-1', '/srv/root', [volume]);
  expect(binds[0]).toEqual({ source: '/srv/root', target: 'box-1/rootfs', readOnly: false });
  expect(binds[1]?.target).toMatch(/^box-1-[0-9a-f]{16}-data$/);
  expect(binds[1]?.readOnly).toBe(true);
  expect(guestRootfs('box-1')).toBe('/run/kata-containers/shared/containers/box-1/rootfs');
  expect(guestVolumeSource('box-1', volume)).toBe(`/run/kata-containers/shared/containers/${binds[1]?.target}`);
});

test('volumes with the same last name do not meet', () => {
  const [, one, two] = containerBinds('b1', '/r', [
    { source: '/x', destination: '/a/data', readOnly: false },
    { source: '/y', destination: '/b/data', readOnly: false },
  ]);
  expect(one?.target).not.toBe(two?.target);
});
