import { createHash } from 'node:crypto';
import { decodeBytes } from '../../../../agent/src/base/text.ts';
import type { ArchiveLoader } from '../../archive/archive-loader.ts';
import { readTar } from '../../archive/read-tar.ts';
import { BuildError } from '../../build-error.ts';
import type { ApkPackage } from './apk-index.ts';
import { gzipMembers } from './gzip-members.ts';

/** Scripts that apk would run in the guest's root; we cannot, as the guest may be of another architecture. */
const SCRIPTS = ['.pre-install', '.post-install', '.trigger'];

/** A package whose checksums were found right. */
export interface CheckedPackage {
  /** The archive of its files; a package that only pulls in others may have none. */
  readonly archive: Uint8Array | undefined;
  /** Scripts that apk would run. */
  readonly scripts: readonly string[];
}

/**
 * Checks a package against its index. The chain is apk's own: the signed index has the SHA-1 of the control member, and
 * that has the SHA-256 of the data member. Throws BuildError where it breaks.
 */
export function checkPackage(bytes: Uint8Array, expected: ApkPackage): CheckedPackage {
  const what = `package ${expected.name}-${expected.version}`;
  if (expected.sizeBytes !== 0 && bytes.length !== expected.sizeBytes)
    throw new BuildError(`${what}: ${bytes.length} bytes, not the ${expected.sizeBytes} of the index`);
  const members = gzipMembers(bytes, what);
  const control = members.find(({ raw }) => createHash('sha1').update(raw).digest('hex') === expected.controlSha1);
  if (control === undefined)
    throw new BuildError(`${what}: it is not the one of the index (checksum of the control part)`);
  const files = readTar(withEnd(control.data));
  const scripts = files.map(({ header }) => header.name).filter((name) => SCRIPTS.includes(name));
  const info = files.find(({ header }) => header.name === '.PKGINFO');
  const dataHash = /^datahash = ([0-9a-f]{64})$/m.exec(info === undefined ? '' : decodeBytes(info.data))?.[1];
  const data = members[members.indexOf(control) + 1];
  if (data === undefined && dataHash === undefined) return { archive: undefined, scripts };
  if (data === undefined) throw new BuildError(`${what}: its data is missing`);
  if (dataHash === undefined || createHash('sha256').update(data.raw).digest('hex') !== dataHash)
    throw new BuildError(`${what}: its data is not what its control part says (datahash)`);
  return { archive: withEnd(data.data), scripts };
}

/** Puts a package's files into the tree; names with a dot in front at the top are apk's own. */
export async function loadPackage({ archive }: CheckedPackage, name: string, loader: ArchiveLoader): Promise<void> {
  if (archive === undefined) return;
  const skip = (path: string): boolean => /^\.(SIGN\.|PKGINFO$|(pre|post)-|trigger$|dummy)/.test(path);
  await loader.load(`package ${name}`, once(archive), { skip });
}

/** Only the last member has the end of an archive; an empty one is an archive without entries. */
function withEnd(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(1024)]);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
