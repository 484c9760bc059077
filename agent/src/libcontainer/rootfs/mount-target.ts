import { O_NOFOLLOW, O_PATH, PROC_SUPER_MAGIC } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { procFilesOpenToBinds } from '../../oci/validate-mounts.ts';
import type { Fd } from '../../sys/fd.ts';
import { fstat } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import type { Stat } from '../../sys/file.ts';
import type { MountStep } from '../plan/launch-plan.ts';
import { isSame } from './container-root.ts';
import type { ContainerRoot } from './container-root.ts';

/** These are what later steps and the container itself trust, so no link of the image may lead them elsewhere (MNT-02, MNT-09). */
const exactDestinations: ReadonlySet<string> = new Set(['/proc', '/sys', '/dev']);
const exactTypes: ReadonlySet<string> = new Set(['proc', 'sysfs']);

/**
 * The place to mount on, resolved inside the root and created where it is missing. Refused: a place that covers the root, or
 * that lies on procfs without being one of the files a bind may cover (MNT-04), whatever path or link led there.
 */
export function openTarget(root: ContainerRoot, step: MountStep, isFolder: boolean): Fd {
  const { destination, origin } = step;
  const isExact = exactDestinations.has(destination) || (origin.kind === 'filesystem' && exactTypes.has(origin.type));
  const special = isExact
    ? root.ensureExact(destination)
    : step.coversLink === true
      ? root.tryOpen(destination, O_PATH | O_NOFOLLOW)
      : undefined;
  const target =
    special === undefined
      ? root.ensureKnown(destination, isFolder ? 'directory' : 'file')
      : { fd: special, stat: undefined };
  return target.fd.prepared((fd) => checkTarget(root, destination, fd, target.stat));
}

/** Throws for a place that nothing of the spec may cover; `destination` is only what it was called, `known` what statx(2) said of it. */
export function checkTarget(root: ContainerRoot, destination: string, target: Fd, known?: Stat): void {
  const stat = known ?? fstat(target);
  if (isSame(stat, root.identity)) {
    throw new DomainError('invalid_argument', `${destination} leads to the root of the container`);
  }
  if (destination === '/proc') return;
  if (fstatfs(target).type === PROC_SUPER_MAGIC && !procFilesOpenToBinds.has(destination)) {
    throw new DomainError('invalid_argument', `${destination} leads into /proc`);
  }
  if (root.hasProcfs) return;
  using proc = root.tryOpenExact('/proc');
  if (proc !== undefined && isSame(stat, fstat(proc))) {
    throw new DomainError('invalid_argument', `${destination} leads to /proc`);
  }
}
