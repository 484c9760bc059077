/** A small Alpine repository, made by hand and signed with a key of its own. */
import { createHash, createSign, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { RawEntry } from '../archive/tar-support.ts';
import { tarArchive, tarEntry } from '../archive/tar-support.ts';

/** A package to be. */
export interface ApkPlan {
  readonly name: string;
  readonly version?: string;
  readonly depends?: string;
  readonly provides?: string;
  readonly installIf?: string;
  readonly files?: readonly RawEntry[];
  readonly script?: boolean;
}

/** Where the repository is and what checks it. */
export interface ApkRepository {
  readonly mirror: string;
  readonly keys: string;
}

/** Writes `FOLDER/v0/main/x86_64/` with these packages, and the public key beside. */
export function makeApkRepository(folder: string, plans: readonly ApkPlan[]): ApkRepository {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const place = join(folder, 'v0/main/x86_64');
  mkdirSync(place, { recursive: true });
  const keys = join(folder, 'test.rsa.pub');
  writeFileSync(keys, publicKey.export({ type: 'spki', format: 'pem' }));
  const records = plans.map((plan) => {
    const version = plan.version ?? '1.0-r0';
    const { bytes, control } = makeApk(plan, version);
    writeFileSync(join(place, `${plan.name}-${version}.apk`), bytes);
    const checksum = createHash('sha1').update(control).digest('base64');
    return [
      `C:Q1${checksum}`,
      `P:${plan.name}`,
      `V:${version}`,
      'A:x86_64',
      `S:${bytes.length}`,
      'L:MIT',
      ...(plan.depends === undefined ? [] : [`D:${plan.depends}`]),
      ...(plan.provides === undefined ? [] : [`p:${plan.provides}`]),
      ...(plan.installIf === undefined ? [] : [`i:${plan.installIf}`]),
    ].join('\n');
  });
  const index = gzipSync(tarArchive({ name: 'APKINDEX', data: `${records.join('\n\n')}\n` }));
  const signature = createSign('RSA-SHA1').update(index).sign(privateKey);
  const signed = gzipSync(tarEntry({ name: '.SIGN.RSA.test.rsa.pub', data: signature }));
  writeFileSync(join(place, 'APKINDEX.tar.gz'), Buffer.concat([signed, index]));
  return { mirror: folder, keys };
}

function makeApk(plan: ApkPlan, version: string): { bytes: Buffer; control: Buffer } {
  const data = gzipSync(tarArchive(...(plan.files ?? [])));
  const hash = createHash('sha256').update(data).digest('hex');
  const info = tarEntry({
    name: '.PKGINFO',
    data: `pkgname = ${plan.name}\npkgver = ${version}\ndatahash = ${hash}\n`,
  });
  const script = plan.script === true ? [tarEntry({ name: '.post-install', data: '#!/bin/sh\n', mode: 0o755 })] : [];
  const control = gzipSync(Buffer.concat([info, ...script]));
  return { bytes: Buffer.concat([control, data]), control };
}
