import { DomainError } from '../../../base/errors.ts';
import { DbusError } from '../../../codec/dbus/dbus-error.ts';
import { unixSocketsOf } from '../../../codec/dbus/address.ts';

/** Where the service manager can be reached, and as whom. */
export interface Bus {
  /** `user`: of a login, whose units are made without rights. */
  readonly kind: 'system' | 'user';
  /** Paths of sockets in the order in which they are tried; `@name` is an abstract one. */
  readonly sockets: readonly string[];
  /** User ids that the other side may know this process by, likeliest first. */
  readonly uids: readonly number[];
}

/** What this process is. */
export interface BusFacts {
  readonly environment: Readonly<Record<string, string>>;
  readonly uid: number;
  /** Text of `/proc/self/uid_map`. */
  readonly uidMap: string;
  readonly exists: (path: string) => boolean;
}

/** systemd's own socket, which is there before the bus is and asks nobody for permission. */
const privateSocket = '/run/systemd/private';
const systemSocket = '/run/dbus/system_bus_socket';

/** There is no bus behind it: systemd answers itself. */
export function isPrivateSocket(path: string): boolean {
  return path.endsWith('/systemd/private');
}

/** The user id outside of this process's user namespace. */
export function outerUid(uidMap: string, uid: number): number {
  for (const line of uidMap.split('\n')) {
    const [inside, outside, size] = line.trim().split(/\s+/).map(Number);
    if (inside === undefined || outside === undefined || size === undefined) continue;
    if (uid >= inside && uid - inside < size) return outside + (uid - inside);
  }
  return uid;
}

function socketsOf(address: string, variable: string): readonly string[] {
  try {
    const sockets = unixSocketsOf(address);
    if (sockets.length > 0) return sockets;
  } catch (error) {
    if (!(error instanceof DbusError)) throw error;
    throw new DomainError('invalid_argument', variable, error);
  }
  throw new DomainError('invalid_argument', `${variable}: ${JSON.stringify(address)} names no Unix socket`);
}

/**
 * The bus of this process. For root that is the system's, also where the environment names one of a session. For everybody else, and
 * for root of a user namespace that has one, it is the bus of the login. Throws when there is none.
 */
export function findBus({ environment, uid, uidMap, exists }: BusFacts): Bus {
  const outer = outerUid(uidMap, uid);
  const session = environment['DBUS_SESSION_BUS_ADDRESS'] ?? '';
  const folder = environment['XDG_RUNTIME_DIR'] ?? '';
  const hasSession = session !== '' || (folder !== '' && exists(`${folder}/bus`));
  if (uid === 0 && (outer === 0 || !hasSession)) {
    const system = environment['DBUS_SYSTEM_BUS_ADDRESS'] ?? '';
    const sockets = system === '' ? [privateSocket, systemSocket] : socketsOf(system, 'DBUS_SYSTEM_BUS_ADDRESS');
    return { kind: 'system', sockets, uids: [uid] };
  }
  if (session === '' && folder === '') {
    const wanted = 'DBUS_SESSION_BUS_ADDRESS or XDG_RUNTIME_DIR';
    throw new DomainError('failed_precondition', `systemd of user ${outer} cannot be found: neither ${wanted} is set`);
  }
  const sockets = session === '' ? [`${folder}/bus`] : socketsOf(session, 'DBUS_SESSION_BUS_ADDRESS');
  return { kind: 'user', sockets, uids: outer === uid ? [uid] : [outer, uid] };
}
