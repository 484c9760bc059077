import { describe, expect, it } from 'vitest';
import { checkCopyRequest, namesInShare, SHARE } from '../../../../agent/src/guest/copy-file/copy-request.ts';

const REGULAR = 0o100644;
const SYMLINK = 0o120777;

const fields = {
  path: `${SHARE}/a/b`,
  fileSize: 3n,
  fileMode: REGULAR,
  directoryMode: 0o750,
  uid: 0,
  gid: 0,
  offset: 0n,
  data: Uint8Array.of(1, 2, 3),
};

describe('API-05: a path for CopyFile', () => {
  it.each([
    [`${SHARE}/a`, ['a']],
    [`${SHARE}//a///b/`, ['a', 'b']],
    [`//run/./kata-containers/shared/containers/a/./b`, ['a', 'b']],
    [`${SHARE}/..data`, ['..data']],
  ])('%s is taken', (path, names) => {
    expect(namesInShare(path)).toEqual(names);
  });

  it.each([
    ['the share itself', SHARE],
    ['the share itself with a slash', `${SHARE}/`],
    ['base plus suffix', `${SHARE}X/a`],
    ['another prefix', '/run/kata-containers/sandbox/a'],
    ['the parent', '/run/kata-containers/shared'],
    ['..', `${SHARE}/a/../b`],
    ['.. at the end', `${SHARE}/a/..`],
    ['out and in again', `${SHARE}/../containers/a`],
    ['relative', 'run/kata-containers/shared/containers/a'],
    ['nothing', ''],
    ['a name of 256 bytes', `${SHARE}/${'a'.repeat(256)}`],
    ['5,000 bytes', `${SHARE}/${'a/'.repeat(2500)}`],
  ])('is refused: %s', (_what, path) => {
    expect(() => namesInShare(path)).toThrow(/^path: /);
  });
});

describe('API-06: the type in file_mode', () => {
  it.each(Array.from({ length: 16 }, (_, type) => type))('%i is compared as a whole', (type) => {
    const kind = { 4: 'directory', 8: 'regular', 10: 'symlink' }[type];
    for (const permissions of [0, 0o644, 0o7777]) {
      const check = () => checkCopyRequest({ ...fields, fileMode: (type << 12) | permissions });
      if (kind === undefined) expect(check).toThrow(/^file_mode: /);
      else expect(check()).toMatchObject({ kind, mode: permissions });
    }
  });

  it('beyond 16 bits changes nothing', () => {
    expect(checkCopyRequest({ ...fields, fileMode: (0xdead << 16) | REGULAR })).toMatchObject({ kind: 'regular' });
  });
});

describe('CopyFile', () => {
  it('takes the permission bits of parents only, and a sensible mode when there are none', () => {
    expect(checkCopyRequest({ ...fields, directoryMode: 0x800001ff }).directoryMode).toBe(0o777);
    expect(checkCopyRequest({ ...fields, directoryMode: 0o7750 }).directoryMode).toBe(0o750);
    expect(checkCopyRequest({ ...fields, directoryMode: 0 }).directoryMode).toBe(0o755);
  });

  it('takes ids as the kernel does', () => {
    expect(checkCopyRequest({ ...fields, uid: -1, gid: -(2 ** 31) })).toMatchObject({ uid: 2 ** 32 - 1, gid: 2 ** 31 });
  });

  it.each([
    ['a negative size', { fileSize: -1n }],
    ['a size smaller than the data', { fileSize: 2n }],
    ['a size of 2^63-1', { fileSize: 2n ** 63n - 1n }],
    ['a negative offset', { offset: -1n }],
    ['an offset of 2^63-1', { offset: 2n ** 63n - 1n }],
    ['an offset beyond the size', { offset: 4n, data: new Uint8Array() }],
    ['data beyond the size', { offset: 1n }],
    ['a link without target', { fileMode: SYMLINK, data: new Uint8Array() }],
    ['a link with a NUL', { fileMode: SYMLINK, data: Uint8Array.of(97, 0, 98) }],
    ['a link of 4,096 bytes', { fileMode: SYMLINK, data: new Uint8Array(4096).fill(97) }],
  ])('API-07: refuses %s', (_what, change) => {
    expect(() => checkCopyRequest({ ...fields, ...change })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
  });
});
