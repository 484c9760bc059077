import type { FileTree } from '../tree/file-tree.ts';
import { readText } from '../tree/read-text.ts';
import type { Package } from './packages.ts';
import { packageUrl } from './packages.ts';

const DPKG_STATUS = 'var/lib/dpkg/status';
const DPKG_FOLDER = 'var/lib/dpkg/status.d/';
const APK_INSTALLED = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'];
/** A package database larger than this is not read: that of a whole desktop has 10 MB. */
const MAX_DATABASE_BYTES = 256 * 1024 * 1024;

/** Packages that the databases of dpkg and apk in a tree list, sorted by name. Trees without them have none. */
export async function installedPackages(tree: FileTree): Promise<Package[]> {
  const distribution = await distributionOf(tree);
  const packages: Package[] = [];
  const status = await readText(tree, DPKG_STATUS, MAX_DATABASE_BYTES);
  if (status !== undefined) packages.push(...parseDpkgStatus(status, distribution.id));
  else
    for (const { path } of tree.entries().filter((entry) => entry.path.startsWith(DPKG_FOLDER))) {
      if (!path.endsWith('.md5sums'))
        packages.push(...parseDpkgStatus((await readText(tree, path, MAX_DATABASE_BYTES)) ?? '', distribution.id));
    }
  for (const path of APK_INSTALLED)
    packages.push(...parseApkInstalled((await readText(tree, path, MAX_DATABASE_BYTES)) ?? '', distribution.id));
  return packages.sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
}

/** ID and VERSION_ID of os-release(5); empty where the tree has none. */
export async function distributionOf(tree: FileTree): Promise<{ readonly id: string; readonly version: string }> {
  const text = (await readText(tree, 'etc/os-release')) ?? (await readText(tree, 'usr/lib/os-release')) ?? '';
  const field = (name: string): string => new RegExp(`^${name}=["']?([^"'\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), version: field('VERSION_ID') };
}

/** Reads dpkg's status file (deb-control(5) paragraphs); only what is installed counts. */
export function parseDpkgStatus(text: string, distribution: string): Package[] {
  return text.split(/\n{2,}/).flatMap((paragraph) => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}: *(.*)$`, 'im').exec(paragraph)?.[1]?.trim();
    const [name, version, state] = [field('Package'), field('Version'), field('Status')];
    if (name === undefined || version === undefined) return [];
    // Images without dpkg keep paragraphs without a state, those of what they hold; unpacked is there but not set up.
    if (state !== undefined && !/ (installed|unpacked|half-configured|triggers-\w+)$/.test(state)) return [];
    return [
      complete('deb', distribution === '' ? 'debian' : distribution, {
        name,
        version,
        architecture: field('Architecture'),
        license: undefined,
        supplier: field('Maintainer'),
      }),
    ];
  });
}

/** Reads apk's list of installed packages: lines `LETTER:VALUE`, a package ends with an empty line. */
export function parseApkInstalled(text: string, distribution: string): Package[] {
  return text.split(/\n{2,}/).flatMap((paragraph) => {
    const field = (letter: string): string | undefined => new RegExp(`^${letter}:(.*)$`, 'm').exec(paragraph)?.[1];
    const [name, version] = [field('P'), field('V')];
    if (name === undefined || version === undefined) return [];
    return [
      complete('apk', distribution === '' ? 'alpine' : distribution, {
        name,
        version,
        architecture: field('A'),
        license: field('L'),
        supplier: field('m'),
      }),
    ];
  });
}

interface Found {
  readonly name: string;
  readonly version: string;
  readonly architecture: string | undefined;
  readonly license: string | undefined;
  readonly supplier: string | undefined;
}

function complete(type: 'deb' | 'apk', distribution: string, found: Found): Package {
  const { name, version, architecture, license, supplier } = found;
  const known: Omit<Package, 'purl'> = {
    name,
    version,
    ...(architecture === undefined ? {} : { architecture }),
    ...(license === undefined || license === '' ? {} : { license }),
    ...(supplier === undefined || supplier === '' ? {} : { supplier }),
  };
  return { ...known, purl: packageUrl(type, distribution, known) };
}
