/** How a service manager and its services agree on sockets and readiness (sd_listen_fds(3), sd_notify(3)). */
export interface ServiceFacts {
  /** Descriptors 3, 4, ... that are handed on, on top of those that the caller asks to preserve. */
  readonly descriptors: number;
  /** What is added to the environment of the container's first process. */
  readonly env: readonly string[];
}

/** Most descriptors that one message to the new process could carry, with room to spare. */
const maxDescriptors = 200;

/** Reads the agreement from the environment of the command: LISTEN_FDS counts only when it is meant for this very process. */
export function serviceFacts(environment: Readonly<Record<string, string>>, ownPid: number): ServiceFacts {
  const count = environment['LISTEN_FDS'] ?? '';
  const isForUs = environment['LISTEN_PID'] === undefined || environment['LISTEN_PID'] === String(ownPid);
  const descriptors = isForUs && /^[1-9]\d{0,2}$/.test(count) ? Math.min(Number(count), maxDescriptors) : 0;
  if (descriptors === 0) return { descriptors: 0, env: [] };
  const names = environment['LISTEN_FDNAMES'];
  return {
    descriptors,
    // The first process of a container is its number 1.
    env: [`LISTEN_FDS=${descriptors}`, 'LISTEN_PID=1', ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names}`])],
  };
}
