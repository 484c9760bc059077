import { O_RDONLY } from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import { decodeBytes } from '../../base/text.ts';
import type { Fd } from '../../sys/fd.ts';
import { open, pread } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';

/** The longest of the files that announce changes has a few dozen bytes. */
const maxBytes = 4096;

/**
 * Calls `onChange` with the text of a file that announces its changes (`cgroup.events`, `memory.events`...): at once, and then
 * whenever it changed; with undefined, and never again, when the cgroup is gone. Changes in quick succession may come as one.
 * Returns the function that ends it. Throws ENOENT when there is no such file.
 */
export function watchCgroupFile(
  loop: EventLoop,
  directory: Fd,
  file: string,
  onChange: (text: string | undefined) => void,
): () => void {
  const fd = open(file, O_RDONLY, 0, directory);
  const buffer = new Uint8Array(maxBytes);
  const read = (): string | undefined => {
    try {
      return decodeBytes(buffer.subarray(0, pread(fd, buffer, 0)));
    } catch (error) {
      if (isSysError(error, 'ENODEV')) return undefined;
      throw error;
    }
  };
  // The kernel reports a change as an error condition until the file is read again (kernfs_generic_poll).
  const watch = loop.watch(fd, 'none', () => report());
  const stop = (): void => {
    watch.close();
    fd.close();
  };
  const report = (): void => {
    const text = read();
    if (text === undefined) stop();
    onChange(text);
  };
  report();
  return stop;
}
