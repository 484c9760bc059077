import {
  AF_INET,
  AF_INET6,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  RTAX_MTU,
  RTA_DST,
  RTA_GATEWAY,
  RTA_METRICS,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_SRC,
  RTA_TABLE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  RTN_UNICAST,
  RTPROT_BOOT,
  RT_TABLE_MAIN,
} from '../../abi/constants.ts';
import { littleEndian } from '../../abi/byte-order.ts';
import type { IpPrefix } from '../ip-address.ts';
import { decodeAttributes, decodeUint32, encodeAttribute, encodeUint32Attribute, findAttribute } from './attribute.ts';
import { encodeMessage, type NetlinkMessage } from './message.ts';
import { NetlinkError } from './netlink-error.ts';

/**
 * `struct rtmsg`: `family u8 | dst_len u8 | src_len u8 | tos u8 | table u8 | protocol u8 | scope u8 | type u8 | flags u32`
 * (rtnetlink(7)).
 */
const RTMSG_SIZE = 12;

export type RouteFamily = typeof AF_INET | typeof AF_INET6;

/** A unicast route of the main table. */
export interface Route {
  readonly family: RouteFamily;
  /** Undefined: a route to everywhere, of length 0. */
  readonly destination: IpPrefix | undefined;
  /** Only packets from here take it. */
  readonly source: IpPrefix | undefined;
  /** The address that packets get which have none yet. */
  readonly preferredSource: Uint8Array | undefined;
  readonly gateway: Uint8Array | undefined;
  /** Index of the interface. */
  readonly output: number | undefined;
  /** RT_SCOPE_*. */
  readonly scope: number;
  /** RTNH_F_*. */
  readonly flags: number;
  /** 0: none of its own. */
  readonly mtu: number;
}

function rtmsg(route: Pick<Route, 'family'> & Partial<Route>): Uint8Array {
  const bytes = new Uint8Array(RTMSG_SIZE);
  bytes[0] = route.family;
  bytes[1] = route.destination?.length ?? 0;
  bytes[2] = route.source?.length ?? 0;
  bytes[4] = RT_TABLE_MAIN;
  bytes[5] = RTPROT_BOOT;
  bytes[6] = route.scope ?? 0;
  bytes[7] = RTN_UNICAST;
  new DataView(bytes.buffer).setUint32(8, route.flags ?? 0, littleEndian);
  return bytes;
}

/** Makes a route, or takes the place of the one with the same destination; acknowledged. */
export function encodeReplaceRoute(route: Route, sequence: number): Uint8Array {
  const size = route.family === AF_INET ? 4 : 16;
  const destination = route.destination?.address ?? new Uint8Array(size);
  const addresses: readonly (readonly [number, Uint8Array | undefined])[] = [
    [RTA_DST, destination],
    [RTA_SRC, route.source?.address],
    [RTA_PREFSRC, route.preferredSource],
    [RTA_GATEWAY, route.gateway],
  ];
  const parts = addresses.flatMap(([type, address]) => {
    if (address === undefined) return [];
    if (address.length !== size) throw new NetlinkError(`route attribute ${type}: address of the other family`);
    return [encodeAttribute(type, address)];
  });
  if (route.output !== undefined) parts.push(encodeUint32Attribute(RTA_OIF, route.output));
  if (route.mtu !== 0) parts.push(encodeAttribute(RTA_METRICS, encodeUint32Attribute(RTAX_MTU, route.mtu)));
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
  return encodeMessage({ type: RTM_NEWROUTE, flags, sequence, port: 0 }, [rtmsg(route), ...parts]);
}

/** Asks for all routes of a family. */
export function encodeDumpRoutes(family: RouteFamily, sequence: number): Uint8Array {
  const header = { type: RTM_GETROUTE, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence, port: 0 };
  return encodeMessage(header, [rtmsg({ family })]);
}

/** The route of an RTM_NEWROUTE; undefined for another message, family or table. Throws NetlinkError when it is cut short. */
export function decodeRoute(message: NetlinkMessage): Route | undefined {
  const { type, payload } = message;
  const family = payload[0];
  if (type !== RTM_NEWROUTE || (family !== AF_INET && family !== AF_INET6)) return undefined;
  if (payload.length < RTMSG_SIZE) throw new NetlinkError(`route of ${payload.length} bytes`);
  const attributes = decodeAttributes(payload, RTMSG_SIZE);
  const table = findAttribute(attributes, RTA_TABLE);
  if ((table === undefined ? payload[4] : decodeUint32(table)) !== RT_TABLE_MAIN) return undefined;
  const prefix = (attribute: number, length = 0): IpPrefix | undefined => {
    const address = findAttribute(attributes, attribute);
    return address === undefined ? undefined : { address, length };
  };
  const output = findAttribute(attributes, RTA_OIF);
  const metrics = findAttribute(attributes, RTA_METRICS);
  const mtu = metrics === undefined ? undefined : findAttribute(decodeAttributes(metrics), RTAX_MTU);
  return {
    family,
    destination: prefix(RTA_DST, payload[1]),
    source: prefix(RTA_SRC, payload[2]),
    preferredSource: findAttribute(attributes, RTA_PREFSRC),
    gateway: findAttribute(attributes, RTA_GATEWAY),
    output: output === undefined ? undefined : decodeUint32(output),
    scope: payload[6] ?? 0,
    flags: new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(8, littleEndian),
    mtu: mtu === undefined ? 0 : decodeUint32(mtu),
  };
}
