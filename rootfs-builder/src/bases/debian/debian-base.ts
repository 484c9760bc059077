import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveLoader } from '../../archive/archive-loader.ts';
import { BuildError } from '../../build-error.ts';
import { findInPath } from '../../process/find-in-path.ts';
import { programOutput } from '../../process/program-output.ts';
import type { BaseSpec } from '../../recipe/recipe.ts';
import { FileTree } from '../../tree/file-tree.ts';
import type { Base, BaseContext, BaseInput } from '../base.ts';
import { installedPackages } from '../installed-packages.ts';
import { trimGuest } from '../trim-guest.ts';
import { chooseBootstrapMode, inspectBootstrapHost } from './bootstrap-mode.ts';
import { hostMirror } from './host-mirror.ts';

/** Debian's names of architectures. */
const DEBIAN_ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  ppc64le: 'ppc64el',
  s390x: 's390x',
  riscv64: 'riscv64',
};

/** Where each distribution's package of keys puts them. */
const KEYRINGS = {
  debian: { path: '/usr/share/keyrings/debian-archive-keyring.gpg', from: 'debian-archive-keyring' },
  ubuntu: { path: '/usr/share/keyrings/ubuntu-archive-keyring.gpg', from: 'ubuntu-keyring' },
} as const;

/** Line of mmdebstrap's or apt's output that says what is wrong; what follows it is its consequence. */
const ERROR_LINE = /^(E|dpkg|dpkg-deb): |error:/;

/**
 * A Debian or Ubuntu made by mmdebstrap(1). Its tar output goes into the tree as it comes, so the only folder it needs is
 * its own temporary one; as root it works in a mount namespace of its own, so no mount can be left behind.
 */
export async function debianBase(spec: BaseSpec & { kind: 'debian' | 'ubuntu' }, context: BaseContext): Promise<Base> {
  const { signal, pack, report } = context;
  const own = await mkdtemp(join(context.temporaryFolder, 'mmdebstrap-'));
  const tree = new FileTree();
  try {
    const mode = spec.mode ?? chooseBootstrapMode(inspectBootstrapHost());
    const command = ['mmdebstrap', ...(await bootstrapArguments(spec, context, mode))];
    const isPrivate = mode === 'root' && process.getuid?.() === 0;
    const [program = '', ...args] = isPrivate
      ? ['unshare', '--mount', '--propagation', 'private', ...command]
      : command;
    if (findInPath('mmdebstrap') === undefined)
      throw new BuildError('mmdebstrap: program not found; on Debian: apt-get install mmdebstrap');
    const output = programOutput(program, args, {
      debianPackage: 'mmdebstrap',
      env: { TMPDIR: own, SOURCE_DATE_EPOCH: String(context.sourceDateEpoch), DEBIAN_FRONTEND: 'noninteractive' },
      onLine: (line) => {
        if (line.startsWith('I: ')) report(line.slice(3));
      },
      explain: (lines) => lines.find((line) => ERROR_LINE.test(line)),
      ...(signal === undefined ? {} : { signal }),
    });
    await new ArchiveLoader(tree, pack).load(
      `mmdebstrap ${spec.suite ?? ''}`,
      output,
      signal === undefined ? {} : { signal },
    );
    pack.flush();
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  const packages = await installedPackages(tree);
  removeHostData(tree);
  if (spec.untrimmed !== true) trimGuest(tree);
  return { tree, packages, inputs: await inputsOf(spec), notes: [] };
}

async function bootstrapArguments(
  spec: BaseSpec & { kind: 'debian' | 'ubuntu' },
  context: BaseContext,
  mode: string,
): Promise<string[]> {
  const architecture = DEBIAN_ARCHITECTURES[context.architecture];
  if (architecture === undefined) throw new BuildError(`base ${spec.kind}: no architecture ${context.architecture}`);
  const components = spec.components ?? ['main'];
  const mirrors = spec.mirrors ?? [await hostMirror(context.signal)];
  const packages = spec.packages ?? [];
  return [
    `--mode=${mode}`,
    `--variant=${spec.variant ?? 'required'}`,
    `--architectures=${architecture}`,
    `--components=${components.join(',')}`,
    ...(packages.length === 0 ? [] : [`--include=${packages.join(',')}`]),
    ...keyringArguments(spec),
    '--format=tar',
    spec.suite ?? '',
    '-',
    ...mirrors.map((mirror) => sourceLine(spec, mirror, components)),
  ];
}

function keyringArguments(spec: BaseSpec & { kind: 'debian' | 'ubuntu' }): string[] {
  if (spec.unsigned === true) return [];
  const missing = spec.keys?.find((key) => !existsSync(key));
  if (missing !== undefined) throw new BuildError(`base.keys: read ${missing}: ENOENT`);
  if (spec.keys !== undefined) return spec.keys.map((key) => `--keyring=${key}`);
  const { path, from } = KEYRINGS[spec.kind];
  if (!existsSync(path))
    throw new BuildError(`base.keys: not given, and ${path} is not there; on Debian: apt-get install ${from}`);
  return [`--keyring=${path}`];
}

/** A folder of this host is read through apt's copy method, which needs no access by apt's own user. */
function sourceLine(spec: BaseSpec, mirror: string, components: readonly string[]): string {
  const address = mirror.startsWith('/') ? `copy:${mirror}` : mirror;
  const options = spec.unsigned === true ? '[trusted=yes] ' : '';
  return `deb ${options}${address} ${spec.suite ?? ''} ${components.join(' ')}`;
}

/** mmdebstrap copies the host's name and resolver and writes where packages came from: none of that belongs into an image. */
function removeHostData(tree: FileTree): void {
  for (const path of ['etc/hostname', 'etc/resolv.conf', 'etc/apt/sources.list']) {
    const place = tree.locate(path);
    if (tree.get(place) !== undefined) tree.delete(place);
  }
}

/** What of the inputs lies on this host: a local mirror's release file, and keys. */
async function inputsOf(spec: BaseSpec): Promise<BaseInput[]> {
  const releases = (spec.mirrors ?? [])
    .filter((mirror) => mirror.startsWith('/'))
    .flatMap((mirror) => ['InRelease', 'Release'].map((name) => join(mirror, 'dists', spec.suite ?? '', name)));
  const inputs: BaseInput[] = [];
  for (const path of [...releases, ...(spec.keys ?? [])]) {
    if (!existsSync(path)) continue;
    inputs.push({
      name: path,
      sha256: createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    });
  }
  return inputs;
}
