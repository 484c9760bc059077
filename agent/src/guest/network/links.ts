import { IFF_UP } from '../../abi/constants.ts';
import { DomainError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import {
  decodeLink,
  encodeChangeLink,
  encodeDumpLinks,
  encodeGetLink,
  type Link,
  type LinkChange,
} from '../../codec/netlink/link.ts';
import type { RouteSocket } from '../../sys/route-socket.ts';

/** All interfaces, in the kernel's order. */
export function listLinks(socket: RouteSocket): Link[] {
  return socket.request('list interfaces', encodeDumpLinks).flatMap((message) => decodeLink(message) ?? []);
}

/** The interface of that name, undefined when there is none. */
export function findLink(socket: RouteSocket, name: string): Link | undefined {
  try {
    const [message] = socket.request(`interface ${name}`, (sequence) => encodeGetLink(name, sequence));
    return message === undefined ? undefined : decodeLink(message);
  } catch (error) {
    if (isSysError(error, 'ENODEV')) return undefined;
    throw error;
  }
}

/** What the Go shim looks for in a text before it tries again (boot contract, 8.1). */
export function linkNotFound(what: string): DomainError {
  return new DomainError('internal', `Link not found (${what})`);
}

/** The interface of that name. Throws `Link not found`. */
export function requireLink(socket: RouteSocket, name: string): Link {
  const link = findLink(socket, name);
  if (link === undefined) throw linkNotFound(name);
  return link;
}

/** Changes an interface; `what` is for the error. */
export function changeLink(socket: RouteSocket, what: string, link: Link, change: LinkChange): void {
  socket.request(what, (sequence) => encodeChangeLink(link.index, change, sequence));
}

export const isUp = (link: Link): boolean => (link.flags & IFF_UP) !== 0;

/** Brings an interface up or down. */
export function setLinkUp(socket: RouteSocket, link: Link, up: boolean): void {
  changeLink(socket, `${link.name} ${up ? 'up' : 'down'}`, link, { flags: up ? IFF_UP : 0, flagMask: IFF_UP });
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** Gives an interface a hardware address. Most drivers take one only while it is down, so an interface that was up goes down and comes back. */
export function setHardwareAddress(socket: RouteSocket, link: Link, address: Uint8Array): void {
  if (isSame(link.address, address)) return;
  if (isUp(link)) setLinkUp(socket, link, false);
  try {
    changeLink(socket, `${link.name} hardware address`, link, { address });
  } finally {
    if (isUp(link)) setLinkUp(socket, link, true);
  }
}

/** The first interface with that hardware address. */
export function findByHardwareAddress(socket: RouteSocket, address: Uint8Array): Link | undefined {
  return listLinks(socket).find((link) => isSame(link.address, address));
}
