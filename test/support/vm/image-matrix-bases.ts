import { join } from 'node:path';
import { architectureName } from '../../../host/vm/architecture.ts';
import { buildGuest } from '../../../rootfs-builder/src/build/build-guest.ts';
import { parseRecipe } from '../../../rootfs-builder/src/recipe/parse-recipe.ts';
import { makeDebianRepository } from '../../integration/images/debian-repository.ts';
import { makeApkRepository } from '../../unit/rootfs-builder/bases/alpine-repository.ts';
import { repository } from '../repository.ts';

/** What a guest of the matrix is made from: every kind of base. */
export const MATRIX_BASES = ['none', 'busybox', 'debian', 'ubuntu', 'alpine', 'oci', 'dir', 'tar'] as const;
export type MatrixBase = (typeof MATRIX_BASES)[number];

/** A static busybox for guests of another architecture, which the set-up unpacks. */
export function foreignBusybox(architecture: 'aarch64'): string {
  const cache = process.env['KIHON_CACHE'] ?? join(repository, '.cache');
  return join(cache, 'debs', `busybox-static-${{ aarch64: 'arm64' }[architecture]}`, 'current/bin/busybox');
}

/** A busybox guest in another form, which is built first. */
async function builtSource(base: 'dir' | 'tar' | 'oci', folder: string): Promise<string> {
  const file = join(folder, `source-${base}`);
  const recipe = parseRecipe(
    'base = "busybox"\n[agent]\ninit = "none"\nbinary = ""\n',
    join(folder, 'source.toml'),
    architectureName(),
  );
  await buildGuest({ recipe, kind: 'rootfs', format: base, file, cacheFolder: join(folder, 'cache') });
  return file;
}

/**
 * The recipe's base as TOML. Debian comes from the mirror of this host; Ubuntu and Alpine, which have none here, from repositories with one
 * small package, made in `folder`.
 */
export async function matrixBase(base: MatrixBase, folder: string): Promise<string> {
  const text = (value: string): string => JSON.stringify(value);
  switch (base) {
    case 'none':
      return '"none"';
    case 'busybox':
      return '"busybox"';
    case 'debian':
      return '{ kind = "debian", suite = "bookworm", packages = ["init", "dbus"] }';
    case 'ubuntu': {
      const mirror = makeDebianRepository(join(folder, 'ubuntu'), {
        'base-files': { 'etc/os-release': 'ID=ubuntu\n' },
      });
      const options = 'suite = "tiny", unsigned = true, variant = "extract", packages = ["base-files"]';
      return `{ kind = "ubuntu", mirror = ${text(mirror)}, ${options} }`;
    }
    case 'alpine': {
      const release = { name: 'etc/os-release', data: 'ID=alpine\n' };
      const { mirror, keys } = makeApkRepository(join(folder, 'alpine'), [{ name: 'alpine-base', files: [release] }]);
      return `{ kind = "alpine", suite = "v0", mirror = ${text(mirror)}, keys = [${text(keys)}] }`;
    }
    case 'oci':
    case 'dir':
    case 'tar':
      return `{ kind = "${base}", path = ${text(await builtSource(base, folder))} }`;
  }
}
