import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseSpec } from '../recipe/recipe.ts';
import { alpineBase } from './alpine/alpine-base.ts';
import type { Base, BaseContext, BaseInput } from './base.ts';
import { debianBase } from './debian/debian-base.ts';
import { ociBase } from './oci/oci-base.ts';
import { busyboxBase, directoryBase, hashFile, noneBase, tarBase } from './simple-bases.ts';

/** Makes the base that a recipe asks for. Throws BuildError. */
export async function makeBase(spec: BaseSpec, context: BaseContext): Promise<Base> {
  switch (spec.kind) {
    case 'none':
      return await noneBase();
    case 'busybox':
      return await busyboxBase(spec, context);
    case 'debian':
    case 'ubuntu':
      return await debianBase({ ...spec, kind: spec.kind }, context);
    case 'alpine':
      return await alpineBase(spec, context);
    case 'oci': {
      const { path = '', reference, platform } = spec;
      const choice = {
        ...(reference === undefined ? {} : { reference }),
        ...(platform === undefined ? {} : { platform }),
      };
      return await ociBase({ path, ...choice }, context);
    }
    case 'dir':
      return await directoryBase(spec, context);
    case 'tar':
      return await tarBase(spec, context);
  }
}

/** Whether a base is worth keeping: the others are read from the host in no time, and may change there. */
export function isStoredBase({ kind }: BaseSpec): boolean {
  return kind !== 'none' && kind !== 'busybox' && kind !== 'dir';
}

/**
 * What of this host a base depends on, by content: archives, keys, and the release files of mirrors that are folders. What
 * a mirror on the network offers is taken as it was when the base was made, until a build is told to be fresh.
 */
export async function baseInputs(spec: BaseSpec, architecture: string): Promise<BaseInput[]> {
  const paths = [...(spec.keys ?? [])];
  for (const mirror of spec.mirrors ?? []) {
    const folder = mirror.replace(/^(copy|file):(\/\/(?=\/))?/, '');
    if (!folder.startsWith('/')) continue;
    const suite = spec.suite ?? '';
    if (spec.kind === 'alpine')
      paths.push(
        ...(spec.components ?? ['main']).map((each) => join(folder, suite, each, architecture, 'APKINDEX.tar.gz')),
      );
    else paths.push(join(folder, 'dists', suite, 'InRelease'), join(folder, 'dists', suite, 'Release'));
  }
  if (spec.path !== undefined && spec.kind !== 'dir') {
    const documents = ['index.json', 'manifest.json']
      .map((name) => join(spec.path ?? '', name))
      .filter((path) => existsSync(path));
    // The blobs of a layout are named by their content.
    paths.push(...(documents.length > 0 ? documents : [spec.path]));
  }
  const inputs: BaseInput[] = [];
  for (const path of paths) {
    const names = await readdir(path).catch(() => undefined);
    for (const file of names === undefined ? [path] : names.map((name) => join(path, name))) {
      if (names !== undefined || existsSync(file)) inputs.push({ name: file, sha256: await hashFile(file) });
    }
  }
  return inputs;
}
