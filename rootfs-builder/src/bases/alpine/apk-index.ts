import { decodeBytes } from '../../../../agent/src/base/text.ts';
import { BuildError } from '../../build-error.ts';
import type { VersionOperator } from './apk-version.ts';

/** What a package needs or, with `isConflict`, must not have beside it. */
export interface Dependency {
  readonly name: string;
  readonly operator?: VersionOperator;
  readonly version?: string;
  readonly isConflict: boolean;
}

/** A name that a package answers to beside its own; without a version it satisfies dependencies without one only. */
export interface Provided {
  readonly name: string;
  readonly version?: string;
}

/** One package of an index (apk-index(5)). */
export interface ApkPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sizeBytes: number;
  /** SHA-1 of the control member, in hexadecimal. */
  readonly controlSha1: string;
  readonly license: string;
  readonly maintainer: string;
  readonly depends: readonly Dependency[];
  readonly provides: readonly Provided[];
  readonly installIf: readonly Dependency[];
  readonly providerPriority: number;
  /** The record, for the list of installed packages. */
  readonly record: string;
}

const MAX_PACKAGES = 200_000;

/** Reads an APKINDEX. Throws BuildError with the package that has something wrong. */
export function parseApkIndex(bytes: Uint8Array, what: string): ApkPackage[] {
  const paragraphs = decodeBytes(bytes)
    .split(/\n{2,}/)
    .filter((paragraph) => paragraph.trim() !== '');
  if (paragraphs.length > MAX_PACKAGES) throw new BuildError(`${what}: more than ${MAX_PACKAGES} packages`);
  return paragraphs.map((paragraph) => packageOf(paragraph, what));
}

function packageOf(paragraph: string, what: string): ApkPackage {
  const fields = new Map<string, string>();
  for (const line of paragraph.split('\n')) {
    if (line[1] === ':') fields.set(line.slice(0, 1), line.slice(2));
  }
  const field = (letter: string): string => fields.get(letter) ?? '';
  const name = field('P');
  const version = field('V');
  // Both become part of a file's name.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/.test(name) || !/^[0-9][A-Za-z0-9_.~-]*$/.test(version))
    throw new BuildError(`${what}: a package with the name ${quote(name)} and the version ${quote(version)}`);
  const checksum = /^Q1([A-Za-z0-9+/]{27}=)$/.exec(field('C'))?.[1];
  if (checksum === undefined) throw new BuildError(`${what}: package ${name}: no checksum of the form Q1...`);
  return {
    name,
    version,
    architecture: field('A'),
    sizeBytes: countOf(field('S')),
    controlSha1: Buffer.from(checksum, 'base64').toString('hex'),
    license: field('L'),
    maintainer: field('m'),
    depends: words(field('D')).map((word) => parseDependency(word)),
    provides: words(field('p')).map(parseProvided),
    installIf: words(field('i')).map((word) => parseDependency(word)),
    providerPriority: countOf(field('k')),
    record: paragraph.trim(),
  };
}

/** Reads `name`, `name>=1.2`, `so:libc.so.6=6`, `!other`. A repository after "@" is left off. */
export function parseDependency(text: string): Dependency {
  const isConflict = text.startsWith('!');
  const match = /^([^<>=~@]+)(?:(<=|>=|<|>|=|~=|~)([^<>=~@]+))?(?:@.*)?$/.exec(isConflict ? text.slice(1) : text);
  const [, name = text, operator, version] = match ?? [];
  if (operator === undefined || version === undefined) return { name, isConflict };
  return { name, operator: (operator === '~=' ? '~' : operator) as VersionOperator, version, isConflict };
}

function parseProvided(text: string): Provided {
  const equals = text.indexOf('=');
  return equals === -1 ? { name: text } : { name: text.slice(0, equals), version: text.slice(equals + 1) };
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

function countOf(text: string): number {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
