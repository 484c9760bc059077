import { O_RDONLY } from '../../abi/constants.ts';
import { isSysError } from '../../base/sys-error.ts';
import { decodeBytes } from '../../base/text.ts';
import { open, pread } from '../../sys/file.ts';
import type { EventLoop } from '../../sys/loop.ts';
import type { Cgroup } from './cgroup.ts';

/** A running watch; closing it twice is fine. */
export interface EventsWatch {
  close(): void;
}

/**
 * Calls `onChange` with the text of `memory.events` or `cgroup.events`, now and after every change, and with undefined once
 * when the cgroup is gone. The kernel reports a change of such a file as an error condition of its descriptor until it is read
 * again (kernfs), which is why no interest has to be registered.
 */
export function watchCgroupEvents(
  loop: EventLoop,
  cgroup: Cgroup,
  file: 'memory.events' | 'cgroup.events',
  onChange: (text: string | undefined) => void,
): EventsWatch {
  const fd = open(file, O_RDONLY, 0, cgroup.directory);
  const buffer = new Uint8Array(1024);
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    watch.close();
    fd.close();
  };
  const look = (): void => {
    let text: string | undefined;
    try {
      text = decodeBytes(buffer.subarray(0, pread(fd, buffer, 0)));
    } catch (error) {
      if (!isSysError(error)) throw error;
      close();
    }
    onChange(text);
  };
  const watch = loop.watch(fd, 'none', look);
  look();
  return { close };
}
