/** What builds read of others: archives, package indexes, image documents, recipes. */
import { gzipSync } from 'node:zlib';
import { entryPath } from '../../../rootfs-builder/src/archive/entry-name.ts';
import { parseApkIndex, parseDependency } from '../../../rootfs-builder/src/bases/alpine/apk-index.ts';
import { compareApkVersions } from '../../../rootfs-builder/src/bases/alpine/apk-version.ts';
import { gzipMembers } from '../../../rootfs-builder/src/bases/alpine/gzip-members.ts';
import { parseDpkgStatus } from '../../../rootfs-builder/src/bases/installed-packages.ts';
import { parseDescriptor } from '../../../rootfs-builder/src/bases/oci/descriptor.ts';
import { BuildError } from '../../../rootfs-builder/src/build-error.ts';
import { parseRecipe } from '../../../rootfs-builder/src/recipe/parse-recipe.ts';
import { SPARSE_FORMATS, sparseEntry, tellFiles } from '../../unit/rootfs-builder/archive/sparse-support.ts';
import { paxHeader, paxRecord, tarArchive, tarEntry } from '../../unit/rootfs-builder/archive/tar-support.ts';
import { promise } from '../support/decoder.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { fuzzTarget, mutatedBytes, mutatedText } from '../support/fuzz-target.ts';

const archive = tarArchive(
  { name: 'd/', type: '5' },
  { name: 'd/f', data: 'hello' },
  { name: 'l', type: '2', link: '../../etc' },
  paxHeader(paxRecord('path', 'long/name'), paxRecord('SCHILY.xattr.user.a', 'b')),
  { name: 'x', data: 'y' },
  tarEntry({ name: '././@LongLink', type: 'L', data: 'n'.repeat(120) }),
  { name: 'n' },
);
/** Six regions: the old format needs a block more for them. */
const regions = [0, 1, 2, 3, 4, 5].map((index) => [index * 4096, 512] as const);
const sparse = SPARSE_FORMATS.map((format) =>
  tarArchive(sparseEntry(format, { name: 's', regions, realBytes: 1e6, stored: Buffer.alloc(6 * 512, 'x') })),
);

const tar = fuzzTarget({
  name: 'tar-archive',
  input: mutatedBytes([archive, ...sparse]),
  errors: [BuildError],
  run: (bytes) => {
    for (const { header, pieces } of tellFiles(bytes)) {
      promise('pieces are the file', pieces.reduce((sum, length) => sum + Math.abs(length), 0) === header.sizeBytes);
      let path = '.';
      try {
        path = entryPath(header.name);
      } catch (error) {
        if (!(error instanceof BuildError)) throw error;
      }
      promise('a place is inside', !path.startsWith('/') && !path.split('/').includes('..'));
    }
  },
});

const gzip = fuzzTarget({
  name: 'gzip-members',
  input: mutatedBytes([Buffer.concat([gzipSync('signature'), gzipSync('control'), gzipSync('data')])]),
  errors: [BuildError],
  run: (bytes) => {
    const members = gzipMembers(bytes, 'fuzz');
    promise('members are the file', members.reduce((sum, { raw }) => sum + raw.length, 0) === bytes.length);
  },
});

const apkIndex = fuzzTarget({
  name: 'apk-index',
  input: mutatedText([
    'C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:musl\nV:1.2.3_rc1-r4\nA:x86_64\nS:12\nD:so:libc.so=1 !bad a>=1.0\np:cmd:x=1 y\ni:a b\nk:10\n',
  ]),
  errors: [BuildError],
  run: (text) => {
    for (const { name, version, depends } of parseApkIndex(new TextEncoder().encode(text), 'fuzz')) {
      promise('names are file names', !/[/\0\n]/.test(name + version));
      promise('versions have an order', compareApkVersions(version, version) === 0);
      for (const dependency of depends) parseDependency(dependency.name);
    }
  },
});

const dpkg = fuzzTarget({
  name: 'dpkg-status',
  input: mutatedText([
    'Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\nPackage: b\nVersion: 2\n',
  ]),
  errors: [],
  run: (text) => {
    promise(
      'packages have names',
      parseDpkgStatus(text, 'debian').every(({ version }) => !version.includes('\n')),
    );
  },
});

const descriptor = fuzzTarget({
  name: 'oci-descriptor',
  input: mutatedText([`{"digest":"sha256:${'a'.repeat(64)}","size":12,"platform":{"os":"linux"},"annotations":{}}`]),
  errors: [BuildError, SyntaxError],
  run: (text) => {
    const { hash } = parseDescriptor(JSON.parse(text), 'fuzz');
    promise('a digest is no path', /^[0-9a-f]+$/.test(hash));
  },
});

const recipe = fuzzTarget({
  name: 'recipe',
  input: mutatedText([
    'base = "oci:x"\n[agent]\ninit = "systemd"\n[[file]]\ntarget = "/a/b"\nsource = "c"\nmode = "0644"\n[output]\nsize = "1G"\n',
  ]),
  errors: [BuildError],
  run: (text) => {
    const { files } = parseRecipe(text, '/r/fuzz.toml', 'x86_64');
    promise(
      'targets are inside',
      files.every(({ target }) => !target.startsWith('/') && !target.split('/').includes('..')),
    );
  },
});

export const archiveTargets: readonly FuzzTarget[] = [tar, gzip, apkIndex, dpkg, descriptor, recipe];
