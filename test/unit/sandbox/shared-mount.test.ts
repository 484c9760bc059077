import { describe, expect, it } from 'vitest';
import { checkSharedMounts, containerName } from '../../../agent/src/sandbox/shared-mount.ts';

const entry = (sourcePath: string, destinationPath = '/data') => ({
  sourceContainer: 'sidecar',
  sourcePath,
  destinationPath,
});

describe('checkSharedMounts()', () => {
  it('gives each path its one spelling, as the mount table has it', () => {
    expect(checkSharedMounts([entry('/mnt//volume/', '/a/./b')])).toEqual([entry('/mnt/volume', '/a/b')]);
  });

  it.each([
    ['mnt', '/data', 'shared_mounts[0].src_path'],
    ['/mnt/../etc', '/data', 'shared_mounts[0].src_path'],
    ['/mnt', '', 'shared_mounts[0].dst_path'],
    ['/mnt', '/a/../../b', 'shared_mounts[0].dst_path'],
  ])('refuses %s on %s and names the field', (source, destination, field) => {
    expect(() => checkSharedMounts([entry(source, destination)])).toThrow(field);
  });

  it('refuses a list that nobody needs', () => {
    expect(() => checkSharedMounts(Array.from({ length: 129 }, () => entry('/mnt')))).toThrow('at most 128');
  });
});

describe('containerName()', () => {
  const named = (...entries: readonly (readonly [string, string])[]) =>
    containerName({ annotations: new Map(entries) });

  it('knows the annotations of containerd and CRI-O, the former first', () => {
    expect(named(['io.kubernetes.cri.container-name', 'a'], ['io.kubernetes.cri-o.ContainerName', 'b'])).toBe('a');
    expect(named(['io.kubernetes.cri-o.ContainerName', 'b'])).toBe('b');
    expect(named(['name', 'c'])).toBeUndefined();
  });
});
