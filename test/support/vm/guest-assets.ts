import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { probeAccelerator } from '../../../host/vm/accelerator.ts';
import { architectureName } from '../../../host/vm/architecture.ts';
import { locateQemu, locateVirtiofsd, type AssetPlaces } from '../../../host/vm/assets.ts';
import { chooseVsock } from '../../../host/vm/vsock-transport.ts';
import { buildInitrd } from '../../../rootfs-builder/src/index.ts';
import { findBusybox } from '../../../rootfs-builder/src/busybox/find-busybox.ts';
import { products, releaseAgent, repository } from '../repository.ts';
import { compileProgram } from './compile-program.ts';

const cache = process.env['KIHON_CACHE'] ?? join(repository, '.cache');

/** Host programs are looked for as the `kihon` command of this repository does. */
export const places: AssetPlaces = {
  home: join(repository, 'build'),
  architecture: architectureName(),
  env: process.env,
};

/** Built here: `lean`, `lean-aarch64`, and what only `test/kernels` boots. `packaged`: Debian's cloud kernel, whose drivers are modules; `packaged-arm64`: for aarch64. */
export type KernelChoice =
  | 'lean'
  | 'lean-aarch64'
  | 'kata'
  | 'kata-aarch64'
  | 'debug'
  | 'confidential'
  /** `lean` of a newer series. */
  | 'newer'
  | 'packaged'
  | 'packaged-arm64';

export interface GuestKernel {
  readonly path: string;
  /** `/lib/modules` of a kernel whose drivers are modules. */
  readonly modules: string | undefined;
}

/** A kernel, or undefined where it was neither built nor downloaded. */
export function findKernel(choice: KernelChoice): GuestKernel | undefined {
  switch (choice) {
    case 'lean':
      return builtKernel(products, '');
    case 'lean-aarch64':
      return builtKernel(join(repository, 'build', 'aarch64'), '');
    case 'kata-aarch64':
      return builtKernel(join(repository, 'build', 'aarch64'), '-kata');
    case 'kata':
    case 'debug':
    case 'confidential':
      return builtKernel(products, `-${choice}`);
    case 'newer':
      return builtKernel(join(products, 'newer'), '');
    case 'packaged':
      return packagedKernel('linux-image-cloud');
    case 'packaged-arm64':
      return packagedKernel('linux-image-cloud-arm64');
  }
}

function builtKernel(folder: string, suffix: string): GuestKernel | undefined {
  const path = ['vmlinux', 'vmlinuz'].map((name) => join(folder, name + suffix)).find((file) => existsSync(file));
  return path === undefined ? undefined : { path, modules: undefined };
}

function packagedKernel(name: string): GuestKernel | undefined {
  const folder = join(cache, 'debs', name, 'current');
  const boot = join(folder, 'boot');
  const file = existsSync(boot) ? readdirSync(boot).find((entry) => entry.startsWith('vmlinuz')) : undefined;
  return file === undefined ? undefined : { path: join(boot, file), modules: join(folder, 'lib/modules') };
}

/** The release agent for an architecture. */
export function agentOf(architecture: string): string {
  return architecture === places.architecture ? releaseAgent : join(repository, 'build', architecture, 'kihon-agent');
}

/** The kernel a test runs with when it does not care: the lean one where it was built. */
export function defaultKernel(): KernelChoice {
  return findKernel('lean') === undefined ? 'packaged' : 'lean';
}

const toolsOnce = new Map<string, ReturnType<typeof findTools>>();

async function findTools(architecture: string) {
  const qemuPath = locateQemu({ ...places, architecture });
  const accelerator = (await probeAccelerator(qemuPath, architecture)).kind;
  return { qemuPath, accelerator, virtiofsdPath: locateVirtiofsd(places), vsock: chooseVsock(places) };
}

/** What starts a VM for guests of an architecture on this host; looked up once. */
export function hostTools(architecture: string): ReturnType<typeof findTools> {
  const tools = toolsOnce.get(architecture) ?? findTools(architecture);
  toolsOnce.set(architecture, tools);
  return tools;
}

/** What is special about a test's initrd; without any of it the default one is taken as it was built. */
export interface InitrdOptions {
  readonly agent?: string | undefined;
  readonly hasWitness?: boolean | undefined;
  /** busybox as `/bin/sh` of the guest's own image. */
  readonly hasShell?: boolean | undefined;
  /** More modules, e.g. `vsock_loopback`; only with a kernel that has modules. */
  readonly extraModules?: readonly string[] | undefined;
  /** More files of this machine, by their path in the guest; programs stay programs. */
  readonly files?: Readonly<Record<string, string>> | undefined;
}

/** The initrd for a VM; a special one is written into `folder`. */
export async function guestInitrd(folder: string, kernel: GuestKernel, options: InitrdOptions): Promise<string> {
  const { agent = releaseAgent, hasWitness = false, hasShell = false, extraModules = [] } = options;
  const added = Object.entries(options.files ?? {}).map(([path, source]) => ({
    source,
    path,
    mode: statSync(source).mode & 0o755,
  }));
  const asBuilt = join(products, 'kihon-initrd.img');
  const isReleased = agent === join(products, 'kihon-agent');
  const isPlain = isReleased && !hasWitness && !hasShell && added.length === 0;
  if (isPlain && kernel.modules === undefined && existsSync(asBuilt)) return asBuilt;
  if (!existsSync(agent)) throw new Error(`no agent at ${agent}: make agent test-agent`);
  mkdirSync(folder, { recursive: true });
  const output = join(folder, 'initrd.img');
  const common = {
    output,
    ...(kernel.modules === undefined ? {} : { modules: { directory: kernel.modules, extra: extraModules } }),
  };
  const shell = hasShell
    ? ['bin/sh', 'bin/busybox'].map(async (path) => ({ source: await findBusybox(), path, mode: 0o755 }))
    : [];
  if (!hasWitness) {
    await buildInitrd({ ...common, agent, files: [...added, ...(await Promise.all(shell))] });
    return output;
  }
  const files = [
    ...added,
    ...(await Promise.all(shell)),
    { source: agent, path: 'kihon-agent', mode: 0o755 },
    { source: await findBusybox(), path: 'witness/busybox', mode: 0o755 },
  ];
  await buildInitrd({ ...common, agent: await compileProgram('witness'), files });
  return output;
}
