import { invalidArgument } from '../base/errors.ts';

/**
 * The path below `/proc/sys` of a sysctl name, as names. Whichever of `.` and `/` comes first separates; the other one then
 * stands for a dot inside a name (sysctl.d(5)): `net.ipv4.conf.eth0/100.rp_filter` and `net/ipv4/conf/eth0.100/rp_filter` are
 * the same. Empty names and those that begin with a dot are refused, so no name leaves its folder.
 */
export function sysctlNames(key: string): readonly string[] {
  const dot = key.indexOf('.');
  const slash = key.indexOf('/');
  const separator = slash !== -1 && (dot === -1 || slash < dot) ? '/' : '.';
  const names = key.split(separator).map((name) => (separator === '.' ? name.replaceAll('/', '.') : name));
  for (const name of names) {
    if (name === '' || name.startsWith('.') || name.includes('/')) {
      throw invalidArgument(`linux.sysctl[${JSON.stringify(key)}]`, 'malformed name');
    }
  }
  return names;
}

/** Sysctls of the IPC namespace (ipc_namespaces(7)). */
const ipcSysctls: ReadonlySet<string> = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/** The namespace a sysctl belongs to; undefined when it is global to the kernel, or not ours to set. */
export function sysctlNamespace(names: readonly string[]): 'ipc' | 'uts' | 'network' | undefined {
  const name = names.join('.');
  if (ipcSysctls.has(name)) return 'ipc';
  if (names.length > 2 && names[0] === 'fs' && names[1] === 'mqueue') return 'ipc';
  if (names.length > 1 && names[0] === 'net') return 'network';
  if (name === 'kernel.domainname') return 'uts';
  return undefined;
}
