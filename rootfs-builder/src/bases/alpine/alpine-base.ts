import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { decodeBytes } from '../../../../agent/src/base/text.ts';
import { ArchiveLoader } from '../../archive/archive-loader.ts';
import { readTar } from '../../archive/read-tar.ts';
import { BuildError, describing } from '../../build-error.ts';
import type { BaseSpec } from '../../recipe/recipe.ts';
import { readContent } from '../../tree/content.ts';
import { FileTree } from '../../tree/file-tree.ts';
import type { Base, BaseContext, BaseInput } from '../base.ts';
import { installedPackages } from '../installed-packages.ts';
import { trimGuest } from '../trim-guest.ts';
import type { ApkPackage } from './apk-index.ts';
import { parseApkIndex, parseDependency } from './apk-index.ts';
import { gzipMembers } from './gzip-members.ts';
import { readFromMirror } from './repository.ts';
import { resolvePackages } from './resolve-packages.ts';
import type { ApkKeys } from './signature.ts';
import { readApkKeys, verifySignature } from './signature.ts';
import type { CheckedPackage } from './unpack-package.ts';
import { checkPackage, loadPackage } from './unpack-package.ts';

/** What Alpine's own tools install when nothing else is asked for. */
const DEFAULT_PACKAGES = ['alpine-base'];
const DEFAULT_REPOSITORIES = ['main'];

/** A package, and the mirror's folder that it is in. */
interface Offered {
  readonly each: ApkPackage;
  readonly mirror: string;
  readonly folder: string;
}

/**
 * An Alpine Linux from its packages, unpacked by our own code: no apk program, no root and no chroot. Scripts of packages
 * are not run; what the one of busybox does, links for its applets, is done here.
 */
export async function alpineBase(spec: BaseSpec, context: BaseContext): Promise<Base> {
  const { pack, report, signal } = context;
  if (spec.keys === undefined && spec.unsigned !== true)
    throw new BuildError('base.keys: is missing: the public keys of the repository (or unsigned = true)');
  const keys = await readApkKeys(spec.keys ?? []);
  const inputs: BaseInput[] = [];
  const offered = new Map<ApkPackage, Offered>();
  for (const mirror of spec.mirrors ?? []) {
    for (const repository of spec.components ?? DEFAULT_REPOSITORIES) {
      const folder = `${spec.suite ?? ''}/${repository}/${context.architecture}`;
      report(`index of ${repository}`);
      const index = await readIndex(mirror, folder, spec.unsigned === true ? undefined : keys, signal, inputs);
      for (const each of index) offered.set(each, { each, mirror, folder });
    }
  }
  const wanted = spec.packages ?? DEFAULT_PACKAGES;
  const chosen = resolvePackages([...offered.keys()], wanted.map(parseDependency));
  const tree = new FileTree();
  const loader = new ArchiveLoader(tree, pack);
  const silent: string[] = [];
  for (const [index, each] of chosen.entries()) {
    signal?.throwIfAborted();
    report(`package ${index + 1} of ${chosen.length}: ${each.name}`);
    const { bytes, checked } = await fetchPackage(offered.get(each), context);
    inputs.push({ name: `${each.name}-${each.version}.apk`, sha256: createHash('sha256').update(bytes).digest('hex') });
    await loadPackage(checked, each.name, loader);
    const { scripts } = checked;
    if (scripts.length > 0 && each.name !== 'busybox') silent.push(each.name);
  }
  pack.flush();
  addDatabase(tree, chosen, wanted);
  await addApplets(tree);
  const packages = await installedPackages(tree);
  if (spec.untrimmed !== true) trimGuest(tree);
  const notes = silent.length === 0 ? [] : [`alpine: scripts of these packages were not run: ${silent.join(' ')}`];
  return { tree, packages, inputs, notes };
}

async function readIndex(
  mirror: string,
  folder: string,
  keys: ApkKeys | undefined,
  signal: AbortSignal | undefined,
  inputs: BaseInput[],
): Promise<ApkPackage[]> {
  const name = `${folder}/APKINDEX.tar.gz`;
  const what = `index ${name}`;
  const bytes = await readFromMirror(mirror, name, signal);
  inputs.push({ name, sha256: createHash('sha256').update(bytes).digest('hex') });
  const members = gzipMembers(bytes, what);
  if (keys !== undefined) verifySignature(members, keys, what);
  const signed = keys === undefined ? members : members.slice(1, 2);
  for (const { data } of [...signed].reverse()) {
    const index = readTar(Buffer.concat([data, Buffer.alloc(1024)])).find(({ header }) => header.name === 'APKINDEX');
    if (index !== undefined) return parseApkIndex(index.data, what);
  }
  throw new BuildError(`${what}: no APKINDEX in it`);
}

/** A package from what was downloaded before, else from the mirror. Only what was found right is kept. */
async function fetchPackage(
  offer: Offered | undefined,
  { downloadFolder, temporaryFolder, signal }: BaseContext,
): Promise<{ readonly bytes: Uint8Array; readonly checked: CheckedPackage }> {
  if (offer === undefined) throw new BuildError('package: not in any index');
  const { each, mirror, folder } = offer;
  const kept = join(downloadFolder, `${each.name}-${each.version}-${each.controlSha1}.apk`);
  if (existsSync(kept)) {
    try {
      const bytes = await readFile(kept);
      return { bytes, checked: checkPackage(bytes, each) };
    } catch {
      // Damaged on our disk: the mirror has it.
    }
  }
  const bytes = await readFromMirror(mirror, `${folder}/${each.name}-${each.version}.apk`, signal);
  const checked = checkPackage(bytes, each);
  await describing(`write ${kept}`, async () => {
    await mkdir(downloadFolder, { recursive: true });
    const temporary = join(temporaryFolder, basename(kept));
    await writeFile(temporary, bytes);
    await rename(temporary, kept);
  });
  return { bytes, checked };
}

/** What apk keeps: the packages that were asked for, and the records of all. */
function addDatabase(tree: FileTree, chosen: readonly ApkPackage[], wanted: readonly string[]): void {
  const sorted = [...chosen].sort((left, right) => (left.name < right.name ? -1 : 1));
  tree.file(tree.locate('lib/apk/db/installed'), sorted.map(({ record }) => `${record}\n\n`).join(''));
  tree.file(
    tree.locate('etc/apk/world'),
    [...wanted]
      .sort()
      .map((name) => `${name}\n`)
      .join(''),
  );
}

/** Busybox's package lists the paths of its applets; its script would make links of those that are not there. */
async function addApplets(tree: FileTree): Promise<void> {
  const list = tree.get(tree.locate('etc/busybox-paths.d/busybox'));
  if (list?.kind !== 'file') return;
  const pieces: Uint8Array[] = [];
  for await (const piece of readContent(list.content)) pieces.push(piece);
  for (const line of decodeBytes(Buffer.concat(pieces)).split('\n')) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_./[\]-]*$/.test(line) || line.split('/').includes('..')) continue;
    const path = tree.locate(line);
    if (tree.get(path) === undefined) tree.symlink(path, '/bin/busybox');
  }
}
