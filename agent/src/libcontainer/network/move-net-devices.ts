import { CLONE_NEWNET, IFA_F_PERMANENT, O_RDONLY } from '../../abi/constants.ts';
import { DomainError, wrapError } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { decodeAddress, encodeNewAddress } from '../../codec/netlink/address.ts';
import { encodeDumpAddresses } from '../../codec/netlink/ifaddrmsg.ts';
import type { InterfaceAddress } from '../../codec/netlink/address.ts';
import { decodeLink, encodeGetLink, encodeMoveLink, encodeSetLinkUp } from '../../codec/netlink/link.ts';
import type { Link } from '../../codec/netlink/link.ts';
import type { Fd } from '../../sys/fd.ts';
import { open } from '../../sys/file.ts';
import { RouteSocket } from '../../sys/route-socket.ts';
import { setns } from '../../sys/process.ts';

/** RT_SCOPE_UNIVERSE (linux/rtnetlink.h, an enumeration). */
const everywhere = 0;

/** A conversation in one network namespace: a socket stays in the one that it was opened in. */
class Conversation {
  readonly #socket = RouteSocket.open();

  /** The interface of a name; undefined when there is none. */
  find(name: string): Link | undefined {
    try {
      return this.#socket
        .request(`interface ${name}`, (sequence) => encodeGetLink(name, sequence))
        .map(decodeLink)
        .at(0);
    } catch (error) {
      if (isSysError(error, 'ENODEV')) return undefined;
      throw error;
    }
  }

  /** Addresses that somebody gave the interface and that are good beyond its own network; the kernel makes the others itself. */
  lastingAddresses(index: number): readonly InterfaceAddress[] {
    return this.#socket.request('addresses', encodeDumpAddresses).flatMap((message) => {
      const address = decodeAddress(message);
      if (address?.index !== index || address.scope !== everywhere) return [];
      return (address.flags & IFA_F_PERMANENT) === 0 ? [] : [address];
    });
  }

  move(link: Link, namespace: Fd, name: string): void {
    this.#socket.request('move', (sequence) => encodeMoveLink(link.index, namespace.number, name, sequence));
  }

  addAddress(address: InterfaceAddress): void {
    try {
      this.#socket.request('address', (sequence) => encodeNewAddress(address, sequence));
    } catch (error) {
      if (!isSysError(error, 'EEXIST')) throw error;
    }
  }

  setUp(index: number): void {
    this.#socket.request('up', (sequence) => encodeSetLinkUp(index, true, sequence));
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** There is one thread and no wait in between, so nobody sees that this process is elsewhere for a moment. */
function converseIn(namespace: Fd): Conversation {
  using own = open('/proc/self/ns/net', O_RDONLY);
  setns(namespace, CLONE_NEWNET);
  try {
    return new Conversation();
  } finally {
    setns(own, CLONE_NEWNET);
  }
}

/** The kernel stops counting at 8 pages of bits as well (__dev_alloc_name() in net/core/dev.c). */
const maxNumbered = 32_768;

/** `name`, or the first name of a template such as `eth%d` that no device there has. */
function freeName(there: Conversation, name: string): string {
  if (!name.includes('%d')) return name;
  for (let number = 0; number < maxNumbered; number++) {
    const candidate = name.replace('%d', String(number));
    if (there.find(candidate) === undefined) return candidate;
  }
  throw new DomainError('failed_precondition', `all names like ${name} are taken in the container's network`);
}

function moveDevice(here: Conversation, there: Conversation, namespace: Fd, name: string, wanted: string): void {
  const target = freeName(there, wanted);
  const link = here.find(name);
  if (link === undefined) throw new DomainError('failed_precondition', 'there is no such device');
  // Checked first: the kernel would find out about a name that is taken when the device has moved already.
  if (there.find(target) !== undefined) {
    throw new DomainError('failed_precondition', `the container's network has a device ${target}`);
  }
  const addresses = here.lastingAddresses(link.index);
  here.move(link, namespace, target);
  const moved = there.find(target);
  if (moved === undefined) throw new DomainError('internal', `${target} did not arrive`);
  // The kernel takes a device down, and its addresses off, when it moves.
  for (const address of addresses) there.addAddress({ ...address, index: moved.index });
  there.setUp(moved.index);
}

/**
 * Moves devices of this process's network namespace into the one of `namespace`, renames them, keeps their lasting addresses and
 * brings them up (runtime-spec, "Network devices"). After a failure what was moved stays there: it goes where the namespace
 * goes, as with any device in a container. `devices`: name here, name or template of names there.
 */
export function moveNetDevices(devices: Iterable<readonly [string, string | undefined]>, namespace: Fd): void {
  using here = new Conversation();
  using there = converseIn(namespace);
  for (const [name, target] of devices) {
    try {
      moveDevice(here, there, namespace, name, target ?? name);
    } catch (error) {
      throw wrapError(`linux.netDevices[${JSON.stringify(name)}]`, error);
    }
  }
}
