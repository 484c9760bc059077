import { describeError } from '../../base/errors.ts';

/**
 * The kernel's words for its error numbers, as Go programs print them: callers search an error text for "no such file or directory",
 * "permission denied" and the like (podman does).
 */
const words: ReadonlyMap<string, string> = new Map([
  ['EPERM', 'operation not permitted'],
  ['ENOENT', 'no such file or directory'],
  ['ESRCH', 'no such process'],
  ['EIO', 'input/output error'],
  ['E2BIG', 'argument list too long'],
  ['ENOEXEC', 'exec format error'],
  ['EAGAIN', 'resource temporarily unavailable'],
  ['ENOMEM', 'cannot allocate memory'],
  ['EACCES', 'permission denied'],
  ['EBUSY', 'device or resource busy'],
  ['EEXIST', 'file exists'],
  ['ENODEV', 'no such device'],
  ['ENOTDIR', 'not a directory'],
  ['EISDIR', 'is a directory'],
  ['EINVAL', 'invalid argument'],
  ['ENFILE', 'too many open files in system'],
  ['EMFILE', 'too many open files'],
  ['ENOTTY', 'inappropriate ioctl for device'],
  ['ETXTBSY', 'text file busy'],
  ['ENOSPC', 'no space left on device'],
  ['EROFS', 'read-only file system'],
  ['ELOOP', 'too many levels of symbolic links'],
  ['ENAMETOOLONG', 'file name too long'],
  ['ENOSYS', 'function not implemented'],
  ['EOPNOTSUPP', 'operation not supported'],
  ['ECONNREFUSED', 'connection refused'],
]);

/** One line for an error: what was done to what, the errno and its words. */
export function explainError(error: unknown): string {
  return describeError(error).replace(/\bE[A-Z0-9]+\b/g, (name) => {
    const text = words.get(name);
    return text === undefined ? name : `${name} (${text})`;
  });
}
