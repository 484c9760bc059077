import type { MountSpec } from '../oci/spec.ts';

/** How a service manager and its services agree on sockets and readiness (sd_listen_fds(3), sd_notify(3)). */
export interface ServiceFacts {
  /** Descriptors 3, 4, ... that are handed on, on top of those that the caller asks to preserve. */
  readonly descriptors: number;
  /** Added to the environment of the container's first process. */
  readonly env: readonly string[];
  /** Added to the mounts of the container. */
  readonly mounts: readonly MountSpec[];
}

/** A variable of the environment. */
type Variable = (name: string) => string | undefined;

/** More are not handed on. */
const maxDescriptors = 200;
/** Where the container finds the socket of the service manager. */
const notifyPath = '/run/notify/notify.sock';

function listenFacts(variable: Variable, ownPid: number): Omit<ServiceFacts, 'mounts'> {
  const count = variable('LISTEN_FDS') ?? '';
  if (!/^[1-9]\d{0,2}$/.test(count)) return { descriptors: 0, env: [] };
  const pid = variable('LISTEN_PID');
  if (pid !== undefined && pid !== String(ownPid)) return { descriptors: 0, env: [] };
  const descriptors = Math.min(Number(count), maxDescriptors);
  const names = variable('LISTEN_FDNAMES');
  return {
    descriptors,
    // The first process of a container is its number 1.
    env: [`LISTEN_FDS=${descriptors}`, 'LISTEN_PID=1', ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names}`])],
  };
}

function bindSocket(source: string): MountSpec {
  const options = ['bind', 'nosuid', 'nodev', 'noexec'];
  return { destination: notifyPath, type: 'bind', source, options, uidMappings: [], gidMappings: [] };
}

/**
 * Reads the agreement from the environment of the command. LISTEN_FDS counts only when it is meant for this very process; of the
 * socket that takes readiness only a plain path can be passed into a container.
 */
export function serviceFacts(variable: Variable, ownPid: number): ServiceFacts {
  const { descriptors, env } = listenFacts(variable, ownPid);
  const notify = variable('NOTIFY_SOCKET') ?? '';
  const isPlainPath = notify.startsWith('/') && !notify.split('/').some((name) => name === '..' || name === '.');
  if (!isPlainPath) return { descriptors, env, mounts: [] };
  return { descriptors, env: [...env, `NOTIFY_SOCKET=${notifyPath}`], mounts: [bindSocket(notify)] };
}
