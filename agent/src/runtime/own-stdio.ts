import { Fd } from '../sys/fd.ts';
import { fstat } from '../sys/file.ts';

/** The command's own standard streams, for a process that gets them as they are. They stay open: others have them too. */
export function ownStdio(): readonly [Fd, Fd, Fd] {
  return [new Fd(0, 'standard input'), new Fd(1, 'standard output'), new Fd(2, 'standard error')];
}

/**
 * Descriptors 3, 4, ... that the caller left open for the container. To be called before this command opens anything: a number that
 * is not open now would be one of ours later. Throws naming the first that is missing.
 */
export function preservedDescriptors(count: number): readonly Fd[] {
  return Array.from({ length: count }, (_, index) => {
    const fd = new Fd(3 + index, `preserved descriptor ${3 + index}`);
    fstat(fd);
    return fd;
  });
}
