import { invalidArgument } from '../../base/errors.ts';

/** NAME_MAX, and a depth that no host uses. */
const maxNameLength = 255;
const maxDepth = 32;

/**
 * The container's cgroup below the cgroup root, as an absolute clean path (contract, lifecycle section 12.1): empty is
 * `/<container id>`, the systemd form `slice:prefix:name` becomes folders. Throws `invalid_argument` for a path that leaves
 * its place, and for the root itself.
 */
export function resolveCgroupPath(cgroupsPath: string, containerId: string): string {
  const isSystemdForm = !cgroupsPath.startsWith('/') && cgroupsPath.split(':').length === 3;
  const text = isSystemdForm ? cgroupsPath.replaceAll(':', '/') : cgroupsPath;
  const names = text.split('/').filter((name) => name !== '' && name !== '.');
  if (names.length === 0) names.push(containerId);
  if (names.length > maxDepth) throw invalidArgument('linux.cgroupsPath', `deeper than ${maxDepth} levels`);
  for (const name of names) {
    if (name === '..') throw invalidArgument('linux.cgroupsPath', `${JSON.stringify(cgroupsPath)} contains ..`);
    if (name.length > maxNameLength)
      throw invalidArgument('linux.cgroupsPath', `a name of ${name.length} bytes is too long`);
    for (let index = 0; index < name.length; index++) {
      if (name.charCodeAt(index) < 0x20) throw invalidArgument('linux.cgroupsPath', 'contains a control character');
    }
  }
  return `/${names.join('/')}`;
}
