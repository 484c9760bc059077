import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { architectureName } from './architecture.ts';
import { findProgram } from './find-program.ts';
import { HostError } from './host-error.ts';

/** What `make demo` leaves until a kernel is built: the distribution's kernel, and an initrd with its modules. */
const PACKAGED_KERNEL = 'vmlinuz-packaged';
const PACKAGED_INITRD = 'kihon-initrd-packaged.img';

/** Where to look for what a VM needs, besides explicit choices. */
export interface AssetPlaces {
  /** Folder of the `kihon` command: `<repo>/build` or `<prefix>/bin`. */
  readonly home: string;
  readonly architecture: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The places of the running command. */
export function defaultPlaces(): AssetPlaces {
  const self = process.argv[1];
  let home = process.cwd();
  try {
    if (self !== undefined) home = dirname(realpathSync(self));
  } catch {
    // Started from standard input or a deleted file: the working directory is as good as any.
  }
  return { home, architecture: architectureName(), env: process.env };
}

/** Folders that may hold kernel and initrd: the build folder, then an installation's share folder. */
export function assetFolders(places: AssetPlaces): string[] {
  const { home, architecture } = places;
  return [
    join(home, architecture),
    join(home, '..', 'build', architecture),
    join(home, '..', '..', 'build', architecture),
    join(home, '..', 'share', 'kata-containers'),
  ];
}

function findFile(places: AssetPlaces, names: readonly string[]): string | undefined {
  // Name before folder: a preferred form in a later folder is less wanted than any form in an earlier one.
  for (const folder of assetFolders(places)) {
    for (const name of names) {
      const path = join(folder, name);
      if (existsSync(path)) return realpathSync(path);
    }
  }
  return undefined;
}

function explicit(what: string, path: string, hint: string): string {
  if (!existsSync(path)) throw new HostError(`no ${what} at ${path}`, { hint });
  return realpathSync(path);
}

/**
 * The guest kernel: the given path, KIHON_KERNEL, else what was built or installed. An uncompressed vmlinux comes first:
 * QEMU enters it directly (PVH), and without KVM unpacking a bzImage is a good part of the boot time.
 *
 * @throws HostError saying how to get one
 */
export function locateKernel(places: AssetPlaces, path?: string): string {
  const hint = '`make kernel` builds one; or give --kernel FILE';
  const chosen = path ?? places.env['KIHON_KERNEL'];
  if (chosen !== undefined && chosen !== '') return explicit('kernel', chosen, hint);
  const built = ['vmlinux', 'vmlinuz', 'vmlinux-kihon.container', 'vmlinuz-kihon.container'];
  const found = findFile(places, [...built, PACKAGED_KERNEL]);
  if (found === undefined) throw new HostError(`no guest kernel in ${assetFolders(places)[0]}`, { hint });
  return found;
}

/**
 * The initrd with our agent: the given path, KIHON_INITRD, else what was built or installed. The packaged kernel has its drivers
 * as modules, so it needs the initrd that carries them. @throws HostError
 */
export function locateInitrd(places: AssetPlaces, path?: string, kernel = ''): string {
  const hint = '`make initrd` builds one; or give --initrd FILE';
  const chosen = path ?? places.env['KIHON_INITRD'];
  if (chosen !== undefined && chosen !== '') return explicit('initrd', chosen, hint);
  const isPackaged = basename(kernel) === PACKAGED_KERNEL;
  const names = isPackaged ? [PACKAGED_INITRD] : ['kihon-initrd.img', 'kata-containers-initrd-kihon.img'];
  const found = findFile(places, names);
  if (found === undefined) throw new HostError(`no initrd in ${assetFolders(places)[0]}`, { hint });
  return found;
}

/** QEMU for this architecture. @throws HostError */
export function locateQemu(places: AssetPlaces): string {
  const chosen = places.env['KIHON_QEMU'];
  const name = `qemu-system-${places.architecture}`;
  const found = findProgram(chosen === undefined || chosen === '' ? [name] : [chosen]);
  if (found === undefined) {
    const hint = places.architecture === 'aarch64' ? 'qemu-system-arm' : 'qemu-system-x86';
    throw new HostError(`no ${chosen || name} on this host`, { hint: `apt-get install ${hint}` });
  }
  return found;
}

/** The virtio-fs daemon: QEMU 7's own, or the separate one of later releases. @throws HostError */
export function locateVirtiofsd(places: AssetPlaces): string {
  const chosen = places.env['KIHON_VIRTIOFSD'];
  const usual = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd', 'virtiofsd'];
  const found = findProgram(chosen === undefined || chosen === '' ? usual : [chosen]);
  if (found === undefined) {
    throw new HostError('no virtiofsd on this host', { hint: 'apt-get install qemu-system-common (or virtiofsd)' });
  }
  return found;
}

/** Folders in which `make setup` unpacks packages of a newer suite, newest use first. */
function cacheFolders(places: AssetPlaces): string[] {
  const named = places.env['KIHON_CACHE'];
  const roots = [join(places.home, '..', '.cache'), join(places.home, '..', '..', '.cache')];
  return (named === undefined || named === '' ? roots : [named, ...roots]).map((root) => join(root, 'debs'));
}

/** Where the set-up unpacked a program: `debs/PACKAGE/current/PATH`, then other versions. */
function unpackedPrograms(places: AssetPlaces, packageName: string, path: string): string[] {
  return cacheFolders(places).flatMap((folder) => {
    const versions = join(folder, packageName);
    const found = existsSync(versions) ? readdirSync(versions).sort().reverse() : [];
    return ['current', ...found].map((version) => join(versions, version, path));
  });
}

/** vhost-device-vsock, or undefined: the environment's, the system's, an installed copy, or what the set-up unpacked. */
export function findVhostDeviceVsock(places: AssetPlaces): string | undefined {
  const name = 'vhost-device-vsock';
  const chosen = places.env['KIHON_VHOST_DEVICE_VSOCK'];
  if (chosen !== undefined && chosen !== '') return findProgram([chosen]);
  const installed = [join(places.home, '..', 'libexec', 'kihon', name), join(places.home, places.architecture, name)];
  return findProgram([name, ...installed, ...unpackedPrograms(places, name, join('usr', 'bin', name))]);
}

/** Programs that may be a static busybox, best first: the environment's, what the set-up unpacked, the system's. */
export function busyboxCandidates(places: AssetPlaces): string[] {
  const chosen = places.env['KIHON_BUSYBOX'];
  if (chosen !== undefined && chosen !== '') return [chosen];
  const name = 'busybox-static';
  const unpacked = [join('bin', 'busybox'), join('usr', 'bin', 'busybox')].flatMap((path) =>
    unpackedPrograms(places, name, path),
  );
  return [...unpacked, 'busybox'];
}
