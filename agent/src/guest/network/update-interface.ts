import { IFF_NOARP, IFF_UP } from '../../abi/constants.ts';
import type { Logger } from '../../base/log.ts';
import { describeError } from '../../base/errors.ts';
import { Scope } from '../../base/scope.ts';
import { formatHardwareAddress } from '../../codec/hardware-address.ts';
import { formatIpAddress, isIpv4, type IpPrefix } from '../../codec/ip-address.ts';
import { encodeDumpAddresses } from '../../codec/netlink/ifaddrmsg.ts';
import { decodeAddress, encodeAddAddress, encodeRemoveAddress } from '../../codec/netlink/interface-address.ts';
import type { Link } from '../../codec/netlink/link.ts';
import type { RouteSocket } from '../../sys/route-socket.ts';
import type { KernelFiles } from '../files/kernel-files.ts';
import type { InterfaceRequest } from './interface-request.ts';
import {
  changeLink,
  findByHardwareAddress,
  findLink,
  isUp,
  linkNotFound,
  setHardwareAddress,
  setLinkUp,
} from './links.ts';

export interface NetworkContext {
  readonly socket: RouteSocket;
  readonly files: KernelFiles;
  readonly log: Logger;
}

/** By hardware address; else the one of that name, which gets the address (the network card of a VM made from a template). */
function findWanted({ socket }: NetworkContext, scope: Scope, request: InterfaceRequest): Link {
  const { name, hardwareAddress } = request;
  const found = findByHardwareAddress(socket, hardwareAddress);
  if (found !== undefined) return found;
  const named = findLink(socket, name);
  if (named === undefined) throw linkNotFound(`${formatHardwareAddress(hardwareAddress)} or ${name}`);
  const changed = { ...named, address: hardwareAddress };
  setHardwareAddress(socket, named, hardwareAddress);
  scope.defer(() => setHardwareAddress(socket, changed, named.address));
  return changed;
}

/** Both switches say no (or are missing): such a guest has no use for IPv6 addresses (boot contract, 8.1). */
function isIpv6Off(files: KernelFiles): boolean {
  return ['all', 'default'].every((which) => {
    const value = files.tryRead(`/proc/sys/net/ipv6/conf/${which}/disable_ipv6`);
    return value?.trim() !== '0';
  });
}

const isSamePrefix = (a: IpPrefix, b: IpPrefix): boolean =>
  a.length === b.length && formatIpAddress(a.address) === formatIpAddress(b.address);

/** Adds what is missing; those that the interface has stay, wanted or not. */
function addAddresses(context: NetworkContext, scope: Scope, link: Link, addresses: readonly IpPrefix[]): void {
  const { socket } = context;
  const usable = isIpv6Off(context.files) ? addresses.filter(({ address }) => isIpv4(address)) : addresses;
  const present = socket
    .request('list addresses', encodeDumpAddresses)
    .flatMap((message) => decodeAddress(message) ?? [])
    .filter(({ index }) => index === link.index);
  for (const prefix of usable) {
    const address = { index: link.index, prefix };
    const what = `address ${formatIpAddress(prefix.address)}/${prefix.length} of ${link.name}`;
    socket.request(what, (sequence) => encodeAddAddress(address, sequence));
    if (present.some((other) => isSamePrefix(other.prefix, prefix))) continue;
    scope.defer(() => void socket.request(`undo ${what}`, (sequence) => encodeRemoveAddress(address, sequence)));
  }
}

/** A name that nobody has: an interface cannot be renamed onto another one's. */
function spareName(socket: RouteSocket, link: Link): string {
  for (let number = 0; ; number++) {
    const name = `kihon${link.index}-${number}`.slice(0, 15);
    if (findLink(socket, name) === undefined) return name;
  }
}

/** Renames an interface, which must be down for it on kernels before 6.2; afterwards it is as it was. */
function rename(socket: RouteSocket, link: Link, name: string): void {
  if (isUp(link)) setLinkUp(socket, link, false);
  try {
    changeLink(socket, `rename ${link.name} to ${name}`, link, { name });
  } finally {
    if (isUp(link)) setLinkUp(socket, link, true);
  }
}

/** Makes room for a name: whoever has it gets a spare one, and in the end the name that became free. */
function takeName(socket: RouteSocket, scope: Scope, link: Link, name: string): (() => void) | undefined {
  const other = findLink(socket, name);
  if (other === undefined) return undefined;
  const spare = spareName(socket, other);
  rename(socket, other, spare);
  scope.defer(() => rename(socket, { ...other, name: spare }, name));
  return () => rename(socket, { ...other, name: spare }, link.name);
}

/**
 * Makes an interface what a host wants: addresses, MTU, name, ARP, up (boot contract, 8.1). It is found by its hardware address.
 * Nothing that was there is removed. A failure puts everything back as it was.
 */
export async function updateInterface(context: NetworkContext, request: InterfaceRequest): Promise<void> {
  const { socket, log } = context;
  await using scope = new Scope();
  const link = findWanted(context, scope, request);
  const { name, mtu, isNoArp } = request;
  scope.defer(() => {
    try {
      changeLink(socket, `undo ${link.name}`, link, { flags: link.flags & IFF_UP, flagMask: IFF_UP });
    } catch (error) {
      log.warn('interface not put back', { interface: link.name, error: describeError(error) });
    }
  });
  if (isUp(link)) setLinkUp(socket, link, false);
  addAddresses(context, scope, link, request.addresses);
  const isRenamed = link.name !== name;
  const giveBack = isRenamed ? takeName(socket, scope, link, name) : undefined;
  // One after the other, each with its undo: of one message the kernel may apply a part before it refuses the rest.
  changeLink(socket, `${link.name} mtu ${mtu}`, link, { mtu });
  scope.defer(() => changeLink(socket, `undo mtu of ${link.name}`, link, { mtu: link.mtu }));
  if (isRenamed) {
    changeLink(socket, `rename ${link.name} to ${name}`, link, { name });
    scope.defer(() => changeLink(socket, `undo name of ${link.name}`, link, { name: link.name }));
  }
  const flags = IFF_UP | (isNoArp ? IFF_NOARP : 0);
  changeLink(socket, `${name} up`, link, { flags, flagMask: IFF_UP | IFF_NOARP });
  scope.defer(() => setLinkUp(socket, { ...link, name }, false));
  giveBack?.();
  scope.commit();
}
