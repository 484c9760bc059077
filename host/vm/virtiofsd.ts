import { readFileSync } from 'node:fs';
import { HelperProcess } from './helper-process.ts';
import type { ShareBind } from './shared-directory.ts';

/**
 * Runs as the first process of new mount and pid namespaces: checks that its parent (the guard that became `unshare`) is
 * still there, makes the binds, and becomes virtiofsd. /proc is still the outer one, so `PPid` is the outer number. The tree that
 * the binds go onto is read-only: the guest finds nothing there to put a symbolic link in the place of (VMB-06).
 */
const NAMESPACE_SCRIPT = [
  'while read -r key value; do',
  '  [ "$key" != PPid: ] || [ "$value" = "$KIHON_GUARD_PID" ] || exit 125',
  'done < /proc/self/status',
  'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 1',
  'shift',
  'while [ "$1" != -- ]; do',
  '  mount --bind "$1" "$2" || exit 1',
  '  [ "$3" = rw ] || mount -o remount,bind,ro "$2" || exit 1',
  '  shift 3',
  'done',
  'shift',
  'exec "$@"',
].join('\n');

/** Bit of CAP_SYS_RESOURCE in CapEff (capability.h). */
const CAP_SYS_RESOURCE = 24n;

function canRaiseLimits(): boolean {
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
    return ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
  } catch {
    return false;
  }
}

export interface VirtiofsdOptions {
  /** The program. */
  readonly path: string;
  /** Where it listens for QEMU. */
  readonly socketPath: string;
  /** The prepared tree (`prepareSharedDirectory`). */
  readonly directory: string;
  readonly binds: readonly ShareBind[];
  readonly logPath: string;
  /** False leaves the limit of open files alone; the default is what the process may do. */
  readonly raiseLimits?: boolean;
}

/**
 * A share of container roots belongs to its VM: the guest may keep what it read, which makes starting a program ten times faster
 * than asking the host at each open. Volumes are shared with the host, so with them the guest asks.
 */
function cacheMode(binds: readonly ShareBind[]): 'always' | 'auto' {
  return binds.every((bind) => bind.target.endsWith('/rootfs')) ? 'always' : 'auto';
}

/**
 * Command line of one virtiofsd in namespaces of its own. The options are those that both the C program of QEMU 7 and
 * the later Rust one take. `--kill-child` and the pid namespace make its own forked half die with it at any moment.
 */
export function virtiofsdCommand(options: VirtiofsdOptions): string[] {
  const daemon = [options.path, `--socket-path=${options.socketPath}`, '-f'];
  daemon.push('-o', `source=${options.directory}`, '-o', `cache=${cacheMode(options.binds)}`);
  daemon.push('-o', 'sandbox=namespace');
  daemon.push('-o', 'announce_submounts', '-o', 'log_level=warn');
  if (!(options.raiseLimits ?? canRaiseLimits())) daemon.push('--rlimit-nofile=0');
  const binds = options.binds.flatMap((bind) => [
    bind.source,
    `${options.directory}/${bind.target}`,
    bind.readOnly ? 'ro' : 'rw',
  ]);
  const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--'];
  return [
    ...namespaces,
    '/bin/sh',
    '-c',
    NAMESPACE_SCRIPT,
    'kihon-share',
    options.directory,
    ...binds,
    '--',
    ...daemon,
  ];
}

/** Starts it. It listens a little later (`waitForSocket`), serves one VM, and ends when that VM is gone. */
export async function startVirtiofsd(options: VirtiofsdOptions): Promise<HelperProcess> {
  return await HelperProcess.start({ command: virtiofsdCommand(options), logPath: options.logPath });
}
