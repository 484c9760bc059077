import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { isRegular, stat } from '../../sys/file.ts';
import type { Stat } from '../../sys/file.ts';
import { environmentValue } from '../plan/environment.ts';

function tryStat(path: string): Stat | 'absent' | 'unknown' {
  try {
    return stat(path);
  } catch (error) {
    return isSysError(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG') ? 'absent' : 'unknown';
  }
}

function notFound(name: string): DomainError {
  // Hosts look for the first text (contract, lifecycle section 11.5); podman and Docker for the second, runc's, which makes the exit
  // code 127. The code is not NOT_FOUND: runtime-rs takes that for a process that ended.
  const reason = name.includes('/') ? 'no such file or directory' : 'executable file not found in $PATH';
  return new DomainError('internal', `the file ${name} was not found: ${reason}`);
}

/**
 * The path to execute for `args[0]`, as the container's user sees it. A name with a slash must exist; a bare name is looked up
 * in the PATH of the container's own environment (no PATH: never found), a file with an execute bit before one without. What
 * cannot be decided here (no right to look) is left to execve.
 */
export function findExecutable(name: string, env: readonly string[]): string {
  if (name.includes('/')) {
    if (tryStat(name) === 'absent') throw notFound(name);
    return name;
  }
  const path = environmentValue(env, 'PATH');
  if (path === undefined || name === '') throw notFound(name);
  let second: string | undefined;
  for (const folder of path.split(':')) {
    const candidate = folder === '' ? `./${name}` : `${folder}/${name}`;
    const found = tryStat(candidate);
    if (found === 'absent') continue;
    if (found !== 'unknown' && isRegular(found) && (found.mode & 0o111) !== 0) return candidate;
    if (found === 'unknown' || isRegular(found)) second ??= candidate;
  }
  if (second === undefined) throw notFound(name);
  return second;
}
