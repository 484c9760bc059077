/** A package that a base brought into the tree, as the bill of materials and osbuilder's summary name it. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** In the distribution's words: `amd64` for Debian, `x86_64` for Alpine. */
  readonly architecture?: string;
  /** An SPDX expression, or what the package says where it has none. */
  readonly license?: string;
  /** Who maintains it: a name, with an address where the package gives one. */
  readonly supplier?: string;
  /** Package URL, e.g. `pkg:deb/debian/bash@5.2.15-2?arch=amd64`. */
  readonly purl?: string;
}

/** A package URL (github.com/package-url/purl-spec): type, namespace, name, version and architecture. */
export function packageUrl(type: 'deb' | 'apk', distribution: string, subject: Omit<Package, 'purl'>): string {
  const encode = (text: string): string => encodeURIComponent(text).replaceAll('%3A', ':');
  const qualifier = subject.architecture === undefined ? '' : `?arch=${encode(subject.architecture)}`;
  return `pkg:${type}/${encode(distribution)}/${encode(subject.name)}@${encode(subject.version)}${qualifier}`;
}
