import { invalidArgument } from '../base/errors.ts';
import { cleanPath } from '../base/guest-path.ts';
import type { MountSpec, Spec } from './spec.ts';
import { checkIdMap } from './validate-mappings.ts';

/** The only places below `/proc` that a bind may cover: those of Kata, and the last three as in runc (MNT-04). */
export const procFilesOpenToBinds: ReadonlySet<string> = new Set([
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/loadavg',
  '/proc/meminfo',
  '/proc/net/dev',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/slabinfo',
  '/proc/sys/crypto/fips_enabled',
  '/proc/sys/kernel/ns_last_pid',
]);

/** Below the 100,000 that a mount namespace may hold by default (fs.mount-max). */
const maxMounts = 10_000;

function checkMount(mount: MountSpec, field: string): void {
  const destination = cleanPath(mount.destination, `${field}.destination`);
  if (destination === '/') throw invalidArgument(`${field}.destination`, 'covers the root of the container');
  const isBind = mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind');
  const isRemount = mount.options.includes('remount');
  checkIdMap(mount.uidMappings, `${field}.uidMappings`);
  checkIdMap(mount.gidMappings, `${field}.gidMappings`);
  if (isBind && !isRemount && !mount.source.startsWith('/'))
    throw invalidArgument(`${field}.source`, 'a bind needs an absolute source');
  // What a bind brings to /proc itself is judged in the container, on the opened source.
  if (destination === '/proc' && mount.type !== 'proc' && !isBind && !isRemount) {
    throw invalidArgument(`${field}.destination`, `${mount.type} cannot be mounted on /proc`);
  }
  if (destination.startsWith('/proc/') && !(isBind && procFilesOpenToBinds.has(destination))) {
    throw invalidArgument(`${field}.destination`, `${destination} is inside /proc`);
  }
}

/** Checks destinations and sources as text; what links and files are really there is judged when mounting. */
export function validateMounts(spec: Spec): void {
  const count = spec.mounts.length;
  if (count > maxMounts) throw invalidArgument('mounts', `${count} mounts, at most ${maxMounts} are accepted`);
  spec.mounts.forEach((mount, index) => checkMount(mount, `mounts[${index}]`));
}
