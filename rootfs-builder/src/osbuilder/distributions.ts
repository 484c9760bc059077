import { BuildError } from '../build-error.ts';
import type { BaseKind } from '../recipe/recipe.ts';

/** What osbuilder always installs, and what it adds for systemd and for seccomp. */
interface Distribution {
  readonly base: BaseKind;
  readonly packages: readonly string[];
  readonly forSystemd: readonly string[];
  readonly forSeccomp: readonly string[];
  /** Taken when OS_VERSION is not given. */
  readonly defaultVersion?: string;
}

const UBUNTU_PACKAGES = ['chrony', 'iptables', 'dbus', 'cryptsetup-bin', 'e2fsprogs'];

/** osbuilder's distributions that have a base here, and our own bases that are none. */
export const DISTRIBUTIONS: Readonly<Record<string, Distribution>> = {
  debian: {
    base: 'debian',
    packages: UBUNTU_PACKAGES,
    forSystemd: ['init'],
    forSeccomp: ['libseccomp2'],
    defaultVersion: 'bookworm',
  },
  ubuntu: { base: 'ubuntu', packages: UBUNTU_PACKAGES, forSystemd: ['init'], forSeccomp: ['libseccomp2'] },
  alpine: {
    base: 'alpine',
    packages: ['alpine-base', 'bash', 'iptables', 'ip6tables'],
    forSystemd: [],
    forSeccomp: ['libseccomp'],
    defaultVersion: '3.18',
  },
  busybox: { base: 'busybox', packages: [], forSystemd: [], forSeccomp: [] },
  none: { base: 'none', packages: [], forSystemd: [], forSeccomp: [] },
};

/** osbuilder's other distributions, and what to do instead. */
const OTHERS: Readonly<Record<string, string>> = {
  centos: 'there is no base for RPM packages; build from its container image (base = "oci:PATH")',
  'cbl-mariner': 'there is no base for RPM packages; build from its container image (base = "oci:PATH")',
  devkit: 'build an extension from a recipe (output.format = "extension")',
  nvidia: 'its driver stack comes from a container image here (base = "oci:PATH")',
};

/** Code names of Debian by the first part of its number. */
const DEBIAN_NAMES: Readonly<Record<string, string>> = {
  '10': 'buster',
  '11': 'bullseye',
  '12': 'bookworm',
  '13': 'trixie',
};

/** Throws BuildError for a distribution without a base. */
export function distributionNamed(name: string): Distribution {
  const found = Object.hasOwn(DISTRIBUTIONS, name) ? DISTRIBUTIONS[name] : undefined;
  if (found !== undefined) return found;
  const other = Object.hasOwn(OTHERS, name) ? OTHERS[name] : undefined;
  throw new BuildError(`DISTRO=${name}: ${other ?? `there are ${Object.keys(DISTRIBUTIONS).join(', ')}`}`);
}

/** OS_VERSION as a recipe's suite. */
export function suiteOf(base: BaseKind, version: string): string {
  if (base === 'alpine') return /^[0-9]/.test(version) ? `v${version}` : version;
  if (base !== 'debian') return version;
  const [major = ''] = version.split('.');
  return (Object.hasOwn(DEBIAN_NAMES, major) ? DEBIAN_NAMES[major] : undefined) ?? version;
}
