import { AF_INET, AF_INET6 } from '../../abi/constants.ts';
import { invalidArgument } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { isIpv4, parseIpPrefix, type IpPrefix } from '../../codec/ip-address.ts';
import { encodeReplaceRoute, type Route } from '../../codec/netlink/route.ts';
import type { RouteSocket } from '../../sys/route-socket.ts';
import { requireInterfaceName, requireIpAddress } from './interface-request.ts';
import { requireLink } from './links.ts';

/** A route as a host describes it (boot contract, 8.3). */
export interface RouteText {
  readonly destination: string;
  readonly gateway: string;
  readonly device: string;
  readonly source: string;
  readonly scope: number;
  readonly isIpv6: boolean;
  readonly flags: number;
  readonly mtu: number;
}

/** A route that was checked, with the name of its interface. */
export interface RouteRequest {
  readonly route: Omit<Route, 'output'>;
  readonly device: string;
  readonly text: string;
}

function prefix(text: string, isIpv6: boolean, field: string): IpPrefix {
  const found = parseIpPrefix(text);
  if (found === undefined) throw invalidArgument(field, `${JSON.stringify(text.slice(0, 60))} is not ADDRESS/LENGTH`);
  if (isIpv4(found.address) === isIpv6) throw invalidArgument(field, `${text} is of the other family`);
  return found;
}

function address(text: string, isIpv6: boolean, field: string): Uint8Array {
  const found = requireIpAddress(text, field);
  if (isIpv4(found) === isIpv6) throw invalidArgument(field, `${text} is of the other family`);
  return found;
}

/** Checks a route before any is made. Throws `invalid_argument` naming the field. */
export function checkRoute(text: RouteText, field: string): RouteRequest {
  const { isIpv6, destination, gateway, source } = text;
  // A bare address is the one that packets shall have, whatever upstream makes of it; so is one with `/0`.
  const preferred = source === '' ? undefined : prefix(source, isIpv6, `${field}.source`);
  const route = {
    family: isIpv6 ? AF_INET6 : AF_INET,
    destination: destination === '' ? undefined : prefix(destination, isIpv6, `${field}.dest`),
    source: undefined,
    preferredSource: preferred?.address,
    gateway: gateway === '' ? undefined : address(gateway, isIpv6, `${field}.gateway`),
    scope: text.scope & 0xff,
    flags: text.flags,
    mtu: text.mtu,
  } as const;
  const shown = `${destination === '' ? 'default' : destination}${gateway === '' ? '' : ` via ${gateway}`}`;
  return { route, device: requireInterfaceName(text.device, `${field}.device`), text: shown };
}

function make(socket: RouteSocket, { route, device, text }: RouteRequest): void {
  const output = requireLink(socket, device).index;
  const what = `route ${text} on ${device}`;
  try {
    socket.request(what, (sequence) => encodeReplaceRoute({ ...route, output }, sequence));
  } catch (error) {
    // The same route is there already.
    if (isSysError(error, 'EEXIST')) return;
    // The preferred address is not one of the guest's: then without it, as with upstream (boot contract, 12).
    if (!isSysError(error, 'EINVAL') || route.preferredSource === undefined) throw error;
    const without = { ...route, output, preferredSource: undefined };
    socket.request(what, (sequence) => encodeReplaceRoute(without, sequence));
  }
}

/**
 * Makes routes or replaces those with the same destination; nothing is removed. Those without gateway come first, since a gateway
 * must be reachable. The first failure stops, earlier ones stay (boot contract, 8.3).
 */
export function updateRoutes(socket: RouteSocket, requests: readonly RouteRequest[]): void {
  const isDirect = ({ route }: RouteRequest): boolean => route.gateway === undefined;
  for (const request of requests.filter(isDirect)) make(socket, request);
  for (const request of requests.filter((each) => !isDirect(each))) make(socket, request);
}
