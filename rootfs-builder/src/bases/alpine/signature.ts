import { createVerify } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BuildError, describing, reasonOf } from '../../build-error.ts';
import { readTar } from '../../archive/read-tar.ts';
import type { GzipMember } from './gzip-members.ts';

/** Public keys in PEM by the name that signatures call them. */
export type ApkKeys = ReadonlyMap<string, string>;

/** Algorithms by the prefix of a signature's file name. */
const ALGORITHMS = { RSA: 'RSA-SHA1', RSA256: 'RSA-SHA256', RSA512: 'RSA-SHA512' } as const;

/** Reads keys: files, or folders of files that end in .pub. */
export async function readApkKeys(paths: readonly string[]): Promise<ApkKeys> {
  const keys = new Map<string, string>();
  for (const path of paths) {
    const stats = await describing(`base.keys: read ${path}`, () => stat(path));
    const files = stats.isDirectory()
      ? (await describing(`base.keys: read ${path}`, () => readdir(path)))
          .filter((name) => name.endsWith('.pub'))
          .map((name) => join(path, name))
      : [path];
    for (const file of files)
      keys.set(basename(file), await describing(`base.keys: read ${file}`, () => readFile(file, 'utf8')));
  }
  return keys;
}

/**
 * Checks that the first member of a file has a signature of the second by one of our keys. Throws BuildError that says
 * which keys were used.
 */
export function verifySignature(members: readonly GzipMember[], keys: ApkKeys, what: string): void {
  const [first, signed] = members;
  const signatures =
    first === undefined || signed === undefined
      ? []
      : readTar(first.data).filter(({ header }) => header.name.startsWith('.SIGN.'));
  const seen: string[] = [];
  for (const { header, data } of signatures) {
    const [, algorithm = '', name = ''] = /^\.SIGN\.([A-Z0-9]+)\.(.+)$/.exec(header.name) ?? [];
    seen.push(name);
    const pem = keys.get(name);
    const known = Object.entries(ALGORITHMS).find(([word]) => word === algorithm)?.[1];
    if (pem === undefined || known === undefined || signed === undefined) continue;
    try {
      if (createVerify(known).update(signed.raw).verify(pem, data)) return;
    } catch (error) {
      throw new BuildError(`base.keys: ${name}: ${reasonOf(error)}`, error);
    }
    throw new BuildError(`${what}: the signature by ${name} is wrong`);
  }
  throw new BuildError(
    seen.length === 0
      ? `${what}: it has no signature`
      : `${what}: signed by ${seen.join(', ')}; base.keys has ${keys.size === 0 ? 'no key' : [...keys.keys()].join(', ')}`,
  );
}
