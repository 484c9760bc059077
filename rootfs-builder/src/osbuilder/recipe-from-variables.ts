import { BuildError } from '../build-error.ts';
import type { BuildKind } from '../recipe/recipe.ts';
import { distributionNamed, suiteOf } from './distributions.ts';
import { UNUSED_VARIABLES } from './unused-variables.ts';

/** Environment variables. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What osbuilder's variables amount to. */
export interface OsbuilderBuild {
  /** As a recipe file would say it. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly format: string;
  readonly file: string;
  /** One line for each variable that is set and has no meaning here. */
  readonly remarks: readonly string[];
}

/** Reads osbuilder's variables for one of its targets; `defaultPolicy` is what AGENT_POLICY=yes alone means. Throws BuildError for a value that cannot be honoured. */
export function recipeFromVariables(
  kind: Exclude<BuildKind, 'kernel'>,
  distro: string,
  variables: Variables,
  hostArchitecture: string,
  defaultPolicy: string,
): OsbuilderBuild {
  const read = (name: string): string | undefined => {
    const value = variables[name];
    return value === undefined || value === '' ? undefined : value;
  };
  const isYes = (name: string, byDefault: boolean): boolean => {
    const value = read(name);
    if (value === undefined) return byDefault;
    if (value !== 'yes' && value !== 'no') throw new BuildError(`${name}=${value}: must be yes or no`);
    return value === 'yes';
  };
  const distribution = distributionNamed(distro);
  const architecture = read('ARCH') ?? hostArchitecture;
  const isPackaged = ['debian', 'ubuntu', 'alpine'].includes(distribution.base);
  // The bases without systemd have the agent as init whatever the variable says, as osbuilder's Alpine has.
  const hasSystemd = distribution.forSystemd.length > 0;
  const isInit = isYes('AGENT_INIT', false) || !hasSystemd;
  const isBare = read('ROOTFS_ONLY') !== undefined;
  refuse(read, isYes);

  const version = read('OS_VERSION') ?? distribution.defaultVersion;
  if (isPackaged && version === undefined)
    throw new BuildError(`OS_VERSION: is missing: ${distro} needs its code name`);
  const mirror = read(`REPO_URL_${architecture.toUpperCase()}`) ?? read('REPO_URL');
  const packages = [
    ...distribution.packages,
    ...(isInit || isBare ? [] : distribution.forSystemd),
    ...(isYes('SECCOMP', true) ? distribution.forSeccomp : []),
    ...words(read('EXTRA_PKGS')),
  ];
  const base = {
    kind: distribution.base,
    ...(isPackaged
      ? given({
          suite: suiteOf(distribution.base, version ?? ''),
          mirror,
          components: read('REPO_COMPONENTS') === undefined ? undefined : words(read('REPO_COMPONENTS')),
          packages: [...new Set(packages)],
          keys: read('REPO_KEYS') === undefined ? undefined : words(read('REPO_KEYS')),
          unsigned: isYes('REPO_UNSIGNED', false) ? true : undefined,
        })
      : {}),
  };
  const archives = [
    'AGENT_TARBALL',
    'COCO_GUEST_COMPONENTS_TARBALL',
    'PAUSE_IMAGE_TARBALL',
    'GUEST_HOOKS_TARBALL',
  ].flatMap((name) => words(read(name)));
  const hasAgent = !isBare && read('AGENT_TARBALL') === undefined;
  const isConfidential = isYes('CONFIDENTIAL_GUEST', read('COCO_GUEST_COMPONENTS_TARBALL') !== undefined);
  const modules = read('KERNEL_MODULES_DIR');
  const document = {
    name: `kata-${distro}${version === undefined ? '' : `-${version}`}`,
    architecture,
    base,
    agent: given({
      init: isBare ? 'none' : isInit ? 'agent' : 'systemd',
      binary: hasAgent ? read('AGENT_SOURCE_BIN') : '',
      policy: isYes('AGENT_POLICY', false) ? (read('AGENT_POLICY_FILE') ?? defaultPolicy) : undefined,
      confidential: isConfidential && !isInit && !isBare ? true : undefined,
    }),
    ...(archives.length === 0 ? {} : { archive: archives.map((source) => ({ source })) }),
    ...(modules === undefined ? {} : { modules: { directory: modules, all: true } }),
    ...(kind === 'image' ? { output: imageOptions(read, isYes) } : {}),
  };
  return { document, ...target(kind, distro, read), remarks: remarksOf(read) };
}

type Read = (name: string) => string | undefined;
type IsYes = (name: string, byDefault: boolean) => boolean;

function refuse(read: Read, isYes: IsYes): void {
  if (isYes('SELINUX', false))
    throw new BuildError("SELINUX=yes: only osbuilder's centos has it, for which there is no base");
  if ((read('BUILD_METHOD') ?? 'distro') !== 'distro')
    throw new BuildError(
      `BUILD_METHOD=${read('BUILD_METHOD') ?? ''}: only "distro"; dracut takes the host's own files, which no two hosts have alike`,
    );
  if ((read('AGENT_BIN') ?? 'kata-agent') !== 'kata-agent')
    throw new BuildError('AGENT_BIN: the agent is always /usr/bin/kata-agent');
  if (read('AGENT_TARBALL') !== undefined && read('AGENT_SOURCE_BIN') !== undefined)
    throw new BuildError('AGENT_TARBALL: does not go with AGENT_SOURCE_BIN');
  if ((read('BLOCK_SIZE') ?? '4096') !== '4096')
    throw new BuildError(`BLOCK_SIZE=${read('BLOCK_SIZE') ?? ''}: only 4096, which DAX and verity need`);
  if (/^nvidia/.test(read('BUILD_VARIANT') ?? ''))
    throw new BuildError(`BUILD_VARIANT=${read('BUILD_VARIANT') ?? ''}: ${UNUSED_VARIABLES.NVIDIA_GPU_STACK ?? ''}`);
}

function imageOptions(read: Read, isYes: IsYes): Readonly<Record<string, unknown>> {
  return given({
    format: 'disk',
    filesystem: read('FS_TYPE'),
    // erofs images have no free space, and osbuilder ignores the wish too.
    free: read('FS_TYPE') === 'erofs' ? undefined : mebibytes('ROOT_FREE_SPACE', read),
    alignment: mebibytes('IMAGE_SIZE_ALIGNMENT_MB', read),
    dax: isYes('SKIP_DAX_HEADER', false) ? false : undefined,
    verity: isYes('MEASURED_ROOTFS', false) ? (read('BUILD_VARIANT') ?? 'base') : undefined,
  });
}

function mebibytes(name: string, read: Read): string | undefined {
  const value = read(name);
  if (value === undefined || value === '0') return undefined;
  if (!/^[0-9]{1,7}$/.test(value)) throw new BuildError(`${name}=${value}: must be a number of MiB`);
  return `${Number(value)}M`;
}

/** Where osbuilder's scripts and targets put things. */
function target(
  kind: Exclude<BuildKind, 'kernel'>,
  distro: string,
  read: Read,
): Pick<OsbuilderBuild, 'format' | 'file'> {
  const images = read('IMAGES_BUILD_DEST') ?? '.';
  switch (kind) {
    case 'rootfs':
      return { format: 'dir', file: read('ROOTFS_DIR') ?? `${read('ROOTFS_BUILD_DEST') ?? '.'}/${distro}_rootfs` };
    case 'image':
      return { format: 'disk', file: read('IMAGE') ?? `${images}/kata-containers-image-${distro}.img` };
    case 'initrd':
      return { format: 'initrd', file: read('INITRD_IMAGE') ?? `${images}/kata-containers-initrd-${distro}.img` };
  }
}

function remarksOf(read: Read): string[] {
  return (
    Object.entries(UNUSED_VARIABLES)
      .filter(([name]) => read(name) !== undefined)
      // Shells of Go programmers have it always.
      .filter(([name]) => name !== 'GOPATH' && name !== 'DEBUG')
      .map(([name, why]) => `${name} has no meaning here: ${why}`)
  );
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/[\s,]+/).filter((word) => word !== '');
}

function given(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
