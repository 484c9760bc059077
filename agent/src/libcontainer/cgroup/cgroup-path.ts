import { DomainError, invalidArgument } from '../../base/errors.ts';

/** NAME_MAX, and a depth that no host uses. */
const maxNameLength = 255;
const maxDepth = 32;

const field = 'linux.cgroupsPath';

/** The names of a path, checked: none leaves its place, none is longer than the kernel takes (CGN-03). */
function namesOf(text: string): string[] {
  const names = text.split('/').filter((name) => name !== '' && name !== '.');
  if (names.length > maxDepth) throw invalidArgument(field, `deeper than ${maxDepth} levels`);
  for (const name of names) {
    if (name === '..') throw invalidArgument(field, `${JSON.stringify(text)} contains ..`);
    if (name.length > maxNameLength) throw invalidArgument(field, `a name of ${name.length} bytes is too long`);
    for (let index = 0; index < name.length; index++) {
      if (name.charCodeAt(index) < 0x20) throw invalidArgument(field, 'contains a control character');
    }
  }
  return names;
}

/** `slice:prefix:name`, which is meant for systemd. */
function isSystemdForm(cgroupsPath: string): boolean {
  return !cgroupsPath.startsWith('/') && cgroupsPath.split(':').length === 3;
}

/**
 * The container's cgroup below the cgroup root, as an absolute clean path (contract, lifecycle section 12.1): empty is
 * `/<container id>`, the systemd form `slice:prefix:name` becomes folders. Throws `invalid_argument` for a path that leaves
 * its place, and for the root itself.
 */
export function resolveCgroupPath(cgroupsPath: string, containerId: string): string {
  const names = namesOf(isSystemdForm(cgroupsPath) ? cgroupsPath.replaceAll(':', '/') : cgroupsPath);
  return `/${(names.length === 0 ? [containerId] : names).join('/')}`;
}

/** The cgroup v2 path in the text of a `/proc/<pid>/cgroup`, e.g. `/user.slice/session-1.scope`. */
export function ownCgroupPath(procCgroup: string): string | undefined {
  return procCgroup
    .split('\n')
    .find((line) => line.startsWith('0::/'))
    ?.slice('0::'.length);
}

/**
 * The same for an OCI runtime with the cgroupfs manager, as runc places containers: an absolute path counts from the root of
 * the hierarchy; a relative one, and `<container id>` for an empty one, from the parent of the runtime's own cgroup, whose
 * text of `/proc/self/cgroup` is given (its own has processes, so no controller could be enabled below it). The
 * systemd form is refused: it asks for a unit.
 */
export function runtimeCgroupPath(cgroupsPath: string, containerId: string, procCgroup: string): string {
  if (isSystemdForm(cgroupsPath)) {
    throw invalidArgument(
      field,
      `${JSON.stringify(cgroupsPath)} names a systemd unit, which the cgroupfs manager cannot make`,
    );
  }
  const names = namesOf(cgroupsPath);
  if (cgroupsPath.startsWith('/')) {
    if (names.length === 0) throw invalidArgument(field, 'is the root of the hierarchy');
    return `/${names.join('/')}`;
  }
  const own = (ownCgroupPath(procCgroup) ?? '/').split('/').filter((name) => name !== '');
  if (own.includes('..')) {
    throw new DomainError(
      'failed_precondition',
      `${field}: this process sits outside its cgroup namespace, use an absolute path`,
    );
  }
  return `/${[...own.slice(0, -1), ...(names.length === 0 ? [containerId] : names)].join('/')}`;
}
