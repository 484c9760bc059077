import { isSysError } from '../../base/sys-error.ts';
import { readText } from '../../sys/file.ts';

/** Login name of a user id on this machine, or `#1000` when it has none. */
export function ownerName(uid: number): string {
  if (uid === 0) return 'root';
  try {
    for (const line of readText('/etc/passwd').split('\n')) {
      const [name = '', , id] = line.split(':');
      if (id === String(uid)) return name;
    }
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
  return `#${uid}`;
}
