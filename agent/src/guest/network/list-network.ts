import { AF_INET, AF_INET6 } from '../../abi/constants.ts';
import { formatHardwareAddress } from '../../codec/hardware-address.ts';
import { formatIpAddress, isIpv4, type IpPrefix } from '../../codec/ip-address.ts';
import { encodeDumpAddresses } from '../../codec/netlink/ifaddrmsg.ts';
import { decodeAddress } from '../../codec/netlink/interface-address.ts';
import { decodeRoute, encodeDumpRoutes, type Route } from '../../codec/netlink/route.ts';
import type { RouteSocket } from '../../sys/route-socket.ts';
import { listLinks } from './links.ts';

/** An interface as hosts are told of it. */
export interface InterfaceInfo {
  readonly name: string;
  readonly hardwareAddress: string;
  readonly mtu: number;
  readonly addresses: readonly { readonly isIpv6: boolean; readonly address: string; readonly mask: string }[];
}

/** A route as hosts are told of it. */
export interface RouteInfo {
  readonly destination: string;
  readonly gateway: string;
  readonly device: string;
  readonly source: string;
  readonly scope: number;
  readonly isIpv6: boolean;
  readonly mtu: number;
}

/** All interfaces with their addresses, in the kernel's order; loopback too. */
export function listInterfaces(socket: RouteSocket): InterfaceInfo[] {
  const links = listLinks(socket);
  const addresses = socket
    .request('list addresses', encodeDumpAddresses)
    .flatMap((message) => decodeAddress(message) ?? []);
  return links.map(({ index, name, address, mtu }) => ({
    name,
    hardwareAddress: formatHardwareAddress(address),
    mtu,
    addresses: addresses
      .filter((entry) => entry.index === index)
      .map(({ prefix }) => ({
        isIpv6: !isIpv4(prefix.address),
        address: formatIpAddress(prefix.address),
        mask: String(prefix.length),
      })),
  }));
}

const text = (prefix: IpPrefix | undefined): string =>
  prefix === undefined ? '' : `${formatIpAddress(prefix.address)}/${prefix.length}`;

function describeRoute(route: Route, nameOf: (index: number) => string): RouteInfo {
  const { preferredSource, gateway, output } = route;
  const source = preferredSource === undefined ? text(route.source) : formatIpAddress(preferredSource);
  return {
    // The kernel says nothing for "everywhere".
    destination: text(route.destination) || (route.family === AF_INET6 ? '::/0' : '0.0.0.0/0'),
    gateway: gateway === undefined ? '' : formatIpAddress(gateway),
    device: output === undefined ? '' : nameOf(output),
    source,
    scope: route.scope,
    isIpv6: route.family === AF_INET6,
    mtu: route.mtu,
  };
}

/** The routes of the main table, IPv4 first. */
export function listRoutes(socket: RouteSocket): RouteInfo[] {
  const links = listLinks(socket);
  const nameOf = (index: number): string => links.find((link) => link.index === index)?.name ?? '';
  // One after the other: the kernel refuses a second dump while one is under way.
  return [AF_INET, AF_INET6].flatMap((family) =>
    socket
      .request('list routes', (sequence) => encodeDumpRoutes(family as Route['family'], sequence))
      .flatMap((message) => decodeRoute(message) ?? [])
      .map((route) => describeRoute(route, nameOf)),
  );
}
