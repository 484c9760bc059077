import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { cpu, mem, osInfo } from 'systeminformation';
import { probeAccelerator } from '../vm/accelerator.ts';
import {
  defaultPlaces,
  locateInitrd,
  locateKernel,
  locateQemu,
  locateVirtiofsd,
  type AssetPlaces,
} from '../vm/assets.ts';
import { findProgram } from '../vm/find-program.ts';
import { HostError } from '../vm/host-error.ts';
import { chooseVsock } from '../vm/vsock-transport.ts';

/** One thing that a VM needs or profits from. */
export interface Finding {
  readonly name: string;
  /** `slow` works, but not as well as it could; `absent` is missing, but no VM needs it. */
  readonly status: 'ok' | 'slow' | 'missing' | 'absent';
  readonly detail: string;
  readonly hint?: string;
}

/** The host in a few words. */
export interface HostDescription {
  readonly system: string;
  readonly kernel: string;
  readonly processor: string;
  readonly memory: string;
}

const MIB = 1024 * 1024;

/** Reads the host's data from /proc and the like. */
export async function describeHost(): Promise<HostDescription> {
  const [system, processor, memory] = await Promise.all([osInfo(), cpu(), mem()]);
  return {
    system: `${system.distro} ${system.release}`.trim(),
    kernel: `${system.kernel} ${system.arch}`,
    processor: `${processor.cores} x ${`${processor.manufacturer} ${processor.brand}`.trim()}`,
    memory: `${Math.round(memory.available / MIB)} of ${Math.round(memory.total / MIB)} MiB free`,
  };
}

/** Turns a search that throws a HostError into a finding. */
function finding(name: string, search: () => string): Finding {
  try {
    return { name, status: 'ok', detail: search() };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const { message, hint } = error;
    return { name, status: 'missing', detail: message, ...(hint === undefined ? {} : { hint }) };
  }
}

function program(name: string, debianPackage: string): Finding {
  return finding(name, () => {
    const path = findProgram([name]);
    if (path === undefined)
      throw new HostError(`no ${name} on this host`, { hint: `apt-get install ${debianPackage}` });
    return path;
  });
}

function fileWithSize(path: string): string {
  return `${path} (${(statSync(path).size / MIB).toFixed(1)} MiB)`;
}

async function acceleration(places: AssetPlaces): Promise<Finding> {
  const name = 'acceleration';
  try {
    const { kind, reason } = await probeAccelerator(locateQemu(places));
    if (kind === 'kvm') return { name, status: 'ok', detail: `KVM: ${reason}` };
    const hint = 'a host with hardware virtualization, or nested virtualization turned on, is many times faster';
    return { name, status: 'slow', detail: `TCG emulation: ${reason}`, hint };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return { name, status: 'missing', detail: 'cannot be tried without QEMU' };
  }
}

/** Programs that only some builds of `kihon build` run: name, what for, Debian's package. */
const BUILD_PROGRAMS = [
  ['mmdebstrap', 'bases debian and ubuntu', 'mmdebstrap'],
  ['zstd', 'zstd in and out', 'zstd'],
  ['mkfs.ext4', 'images with ext4', 'e2fsprogs'],
  ['debugfs', 'images with ext4', 'e2fsprogs'],
  ['mkfs.xfs', 'images with xfs', 'xfsprogs'],
  ['getfattr', 'bases that are folders', 'attr'],
  ['make', 'kernels', 'make'],
] as const;

function buildProgram([name, purpose, debianPackage]: (typeof BUILD_PROGRAMS)[number]): Finding {
  const path = findProgram([name]);
  if (path !== undefined) return { name, status: 'ok', detail: `${path}, for ${purpose}` };
  const hint = `apt-get install ${debianPackage}`;
  return { name, status: 'absent', detail: `no ${name} on this host; only needed to build ${purpose}`, hint };
}

/** Looks for everything; the order is that in which a new user would get it. */
export async function inspectHost(places: AssetPlaces = defaultPlaces()): Promise<Finding[]> {
  return [
    finding('root', () => {
      if (userInfo().uid !== 0) throw new HostError('not root', { hint: 'sudo kihon ...' });
      return 'yes';
    }),
    finding('qemu', () => locateQemu(places)),
    await acceleration(places),
    finding('virtiofsd', () => locateVirtiofsd(places)),
    finding('vsock', () => {
      const choice = chooseVsock(places);
      return choice.kind === 'vhost-kernel' ? `/dev/vhost-vsock through ${choice.socatPath}` : choice.programPath;
    }),
    program('setpriv', 'util-linux'),
    program('unshare', 'util-linux'),
    program('mount', 'mount'),
    finding('kernel', () => fileWithSize(locateKernel(places))),
    finding('initrd', () => fileWithSize(locateInitrd(places, undefined, locateKernel(places)))),
    ...BUILD_PROGRAMS.map(buildProgram),
  ];
}
