import type { Package } from '../bases/packages.ts';

/** Something in an image that has a name and a version. */
export interface Component extends Package {
  readonly kind: 'application' | 'library' | 'operating-system';
  /** SHA-256 of its file in hexadecimal, where it is one file. */
  readonly sha256?: string;
}

/** What a bill of materials is about. */
export interface ImageSubject {
  /** Name of the image's file. */
  readonly name: string;
  readonly sha256: string;
  readonly architecture: string;
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
  /** Packages of the base, then the agent, its engine, its libraries, the kernel. */
  readonly components: readonly Component[];
  /** Version of the builder. */
  readonly builderVersion: string;
}

/** Packages of a base as components. */
export function packageComponents(packages: readonly Package[]): Component[] {
  return packages.map((item) => ({ ...item, kind: 'library' }));
}

/** Components without repetition, sorted by name and version: the order in which they were found says nothing. */
export function sortedComponents(components: readonly Component[]): Component[] {
  const byKey = new Map(components.map((item) => [componentKey(item), item]));
  return [...byKey.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, item]) => item);
}

/** What tells components apart. */
export function componentKey({ kind, name, version, architecture = '', purl = '' }: Component): string {
  return [name, version, architecture, kind, purl].join('\0');
}

/** Identifiers of the SPDX licence list that occur in what we ship; the rest is quoted as it stands. */
const KNOWN_LICENSES = new Set(
  `0BSD Apache-2.0 Artistic-1.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSD-4-Clause BSL-1.0 BlueOak-1.0.0 CC0-1.0
  CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 FSFAP FSFULLR FTL GFDL-1.3-or-later GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later
  GPL-3.0-only GPL-3.0-or-later HPND ICU ISC Info-ZIP LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only
  LGPL-3.0-or-later MIT MIT-0 MPL-1.1 MPL-2.0 NCSA OLDAP-2.8 OpenSSL PSF-2.0 PostgreSQL Python-2.0 Ruby SMLNJ TCL Unlicense
  Vim X11 Zlib bzip2-1.0.6 curl libpng-2.0`.split(/\s+/),
);
const KNOWN_EXCEPTIONS = new Set([
  'Linux-syscall-note',
  'GCC-exception-3.1',
  'Classpath-exception-2.0',
  'Autoconf-exception-3.0',
]);

/** Whether a text is a licence expression (SPDX 2.3, annex D) of licences that we know. */
export function isLicenseExpression(text: string): boolean {
  const tokens = text.replace(/[()]/g, ' $& ').trim().split(/\s+/);
  let depth = 0;
  let expects: 'license' | 'exception' | 'operator' = 'license';
  for (const token of tokens) {
    if (expects === 'license' && token === '(') depth++;
    else if (expects === 'license' && KNOWN_LICENSES.has(token.replace(/\+$/, ''))) expects = 'operator';
    else if (expects === 'exception' && KNOWN_EXCEPTIONS.has(token)) expects = 'operator';
    else if (expects === 'operator' && (token === 'AND' || token === 'OR')) expects = 'license';
    else if (expects === 'operator' && token === 'WITH') expects = 'exception';
    else if (expects === 'operator' && token === ')' && depth > 0) depth--;
    else return false;
  }
  return expects === 'operator' && depth === 0;
}
