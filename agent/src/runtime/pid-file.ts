import { O_CREAT, O_EXCL, O_WRONLY } from '../abi/constants.ts';
import { isSysError } from '../base/sys-error.ts';
import { rename, unlink, writeFile } from '../sys/file.ts';

/** Writes a process number to a file that appears with its content: whoever waits for it reads a whole number. */
export function writePidFile(path: string, pid: number): void {
  const slash = path.lastIndexOf('/');
  const temporary = `${path.slice(0, slash + 1)}.${path.slice(slash + 1)}`;
  const options = { flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666 };
  try {
    writeFile(temporary, String(pid), options);
  } catch (error) {
    if (!isSysError(error, 'EEXIST')) throw error;
    unlink(temporary);
    writeFile(temporary, String(pid), options);
  }
  rename(temporary, path);
}
