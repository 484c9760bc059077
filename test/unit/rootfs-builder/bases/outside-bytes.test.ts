/** Readers of what others wrote: any bytes are read, or refused with a BuildError; never anything else. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDependency, parseApkIndex } from '../../../../rootfs-builder/src/bases/alpine/apk-index.ts';
import { compareApkVersions } from '../../../../rootfs-builder/src/bases/alpine/apk-version.ts';
import { gzipMembers } from '../../../../rootfs-builder/src/bases/alpine/gzip-members.ts';
import { parseApkInstalled, parseDpkgStatus } from '../../../../rootfs-builder/src/bases/installed-packages.ts';
import { parseDescriptor } from '../../../../rootfs-builder/src/bases/oci/descriptor.ts';
import { parseDocument } from '../../../../rootfs-builder/src/bases/oci/document.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { parseVerityLine, verityLine } from '../../../../rootfs-builder/src/verity/parameters.ts';

/** Runs a reader, which may refuse in its own words only. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(BuildError);
    expect((error as Error).message).not.toContain('\n');
    return undefined;
  }
}

/** Bytes with some of them changed, left out or doubled. */
function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: -1, max: 255 }));
  return fc.array(change, { minLength: 1, maxLength: 8 }).map((changes) => {
    let result = Buffer.from(bytes);
    for (const [at, value] of changes)
      result =
        value === -1
          ? Buffer.concat([result.subarray(0, at), result.subarray(at + 3)])
          : Buffer.concat([result.subarray(0, at), Buffer.of(value), result.subarray(at + 1)]);
    return new Uint8Array(result);
  });
}

const INDEX = Buffer.from(
  'C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:busybox\nV:1.36.1-r2\nA:x86_64\nS:500\nL:GPL-2.0-only\nD:so:libc.musl-x86_64.so.1 !other>=1.2 a~3\np:cmd:sh=1.36.1 /bin/sh\ni:x y=1\nk:100\n\nC:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:musl\nV:1.2.4\n\n',
);

describe('what others wrote is read or refused in one line', () => {
  it('an APKINDEX', () => {
    expect(parseApkIndex(INDEX, 'index').map(({ name }) => name)).toEqual(['busybox', 'musl']);
    fc.assert(
      fc.property(damaged(INDEX), (bytes) => {
        // Names and versions become parts of files' names.
        for (const { name, version } of attempt(() => parseApkIndex(bytes, 'index')) ?? [])
          expect(`${name}-${version}`).not.toMatch(/[/\0\n]|^\./);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void attempt(() => parseDependency(text))));
  });

  it('versions of packages, which have one order', () => {
    const version = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.stringMatching(/^[0-9]{1,3}(\.[0-9]{1,2}){0,3}[a-c]?(_(alpha|rc|p)[0-9]?)?(-r[0-9])?$/),
    );
    fc.assert(
      fc.property(version, version, (left, right) => {
        expect(Math.sign(compareApkVersions(left, right))).toBe(-Math.sign(compareApkVersions(right, left)) + 0);
        expect(compareApkVersions(left, left)).toBe(0);
      }),
    );
  });

  it('gzip members', () => {
    const file = Buffer.concat([gzipSync('signature'), gzipSync('control '.repeat(50)), gzipSync('data')]);
    expect(gzipMembers(file, 'apk').map(({ raw }) => raw.length)).toHaveLength(3);
    expect(Buffer.concat(gzipMembers(file, 'apk').map(({ raw }) => raw)).equals(file)).toBe(true);
    fc.assert(fc.property(damaged(file), (bytes) => void attempt(() => gzipMembers(bytes, 'apk'))));
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void attempt(() => gzipMembers(bytes, 'apk'))));
  });

  it("lists of installed packages, dpkg's and apk's", () => {
    const status = Buffer.from(
      'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\nMaintainer: A <a@b>\nDescription: x\n more\n\n',
    );
    fc.assert(
      fc.property(damaged(status), damaged(INDEX), (dpkg, apk) => {
        for (const found of [
          ...parseDpkgStatus(Buffer.from(dpkg).toString(), 'debian'),
          ...parseApkInstalled(Buffer.from(apk).toString(), ''),
        ])
          expect(found.purl).toMatch(/^pkg:(deb|apk)\/[^\s]+@[^\s]*$/);
      }),
    );
  });

  it('documents of images and what they refer to', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const descriptor = { mediaType: 'x', digest, size: 3, platform: { os: 'linux' }, annotations: { a: 'b' } };
    expect(parseDescriptor(descriptor, 'index')).toMatchObject({ algorithm: 'sha256', sizeBytes: 3 });
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void attempt(() => parseDocument(bytes, 'index'))));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (first, second, third) => {
        attempt(() => parseDescriptor(first, 'index'));
        attempt(() => parseDescriptor({ digest: first, size: second, annotations: third }, 'index'));
        attempt(() => parseDescriptor({ ...descriptor, size: first, platform: second }, 'index'));
      }),
    );
  });

  it('the line with a root hash', () => {
    const hex = (length: number): fc.Arbitrary<string> =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const verity = fc.record({
      rootHash: hex(32),
      salt: fc.nat(256).chain(hex),
      dataBlocks: fc.integer({ min: 1, max: 2 ** 40 }),
      dataBlockSize: fc.constantFrom(512, 1024, 4096),
      hashBlockSize: fc.constantFrom(512, 4096),
    });
    fc.assert(
      fc.property(verity, (parameters) => {
        expect(parseVerityLine(verityLine(parameters))).toEqual(parameters);
        expect(parseVerityLine(`${verityLine(parameters)}\n`)).toEqual(parameters);
      }),
    );
    const line = Buffer.from(
      `root_hash=${'0'.repeat(64)},salt=aa,data_blocks=8,data_block_size=4096,hash_block_size=4096`,
    );
    fc.assert(
      fc.property(damaged(line), (bytes) => void attempt(() => parseVerityLine(Buffer.from(bytes).toString()))),
    );
  });
});
