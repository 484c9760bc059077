import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { setSeccompFilter } from '../../sys/seccomp.ts';
import type { Fd } from '../../sys/fd.ts';
import type { SeccompFilter } from '../plan/seccomp-filter.ts';

/** The name under which the child sends the listener (`ProcessConfig.descriptors`). */
export const listenerName = 'seccomp-listener';

/** The way to the parent. */
interface DescriptorSender {
  sendDescriptor(name: string, fd: Fd): void;
}

/**
 * Puts the filter on this process. From here on every call of ours has to pass it: none but execve, or those of the start gate when
 * the filter has to come before that.
 */
export function installFilter(parent: DescriptorSender, filter: SeccompFilter): void {
  try {
    using listener = setSeccompFilter(filter.words, filter.flags);
    if (listener !== undefined) parent.sendDescriptor(listenerName, listener);
  } catch (error) {
    if (!isSysError(error, 'EINVAL') || error.call !== 'seccomp') throw error;
    throw new DomainError('failed_precondition', 'linux.seccomp: this kernel lacks filters or one of the flags', error);
  }
}
