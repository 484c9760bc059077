import type { Fd } from '../../sys/fd.ts';
import type { SeccompFilter } from '../plan/seccomp-filter.ts';
import type { ProcessConfig } from '../types.ts';
import { listenerName } from '../seccomp/install-filter.ts';

/** The configuration of a launch that gives the listener of its filter to `take`; without a listener, as it is. */
export function takeListener<C extends ProcessConfig>(
  config: C,
  filter: SeccompFilter | undefined,
  take: (listener: Fd, pid: number) => void,
): C {
  if (filter?.hasListener !== true) return config;
  return {
    ...config,
    descriptors: [...(config.descriptors ?? []), listenerName],
    onDescriptor: async (name: string, fd: Fd, pid: number) => {
      if (name === listenerName) take(fd, pid);
      else await config.onDescriptor?.(name, fd, pid);
    },
  };
}
