import type { Init } from '../../codec/protobuf/message-codec.ts';
import type { Interface, Route } from '../../../../proto/gen/agent.js';
import type { InterfaceInfo, RouteInfo } from '../../guest/network/list-network.ts';

/** `types.IPFamily`. */
const family = (isIpv6: boolean): 0 | 1 => (isIpv6 ? 1 : 0);

/** An interface with the families as they are (upstream's answer has them the wrong way round; hosts do not read it). */
export function interfaceToProto(info: InterfaceInfo): Init<Interface> {
  return {
    name: info.name,
    hwAddr: info.hardwareAddress,
    mtu: BigInt(info.mtu),
    IPAddresses: info.addresses.map(({ isIpv6, address, mask }) => ({ family: family(isIpv6), address, mask })),
  };
}

/** A route with its own destination and family (upstream overwrites both; hosts do not read them). */
export function routeToProto(info: RouteInfo): Init<Route> {
  return {
    dest: info.destination,
    gateway: info.gateway,
    device: info.device,
    source: info.source,
    scope: info.scope,
    family: family(info.isIpv6),
    mtu: info.mtu,
  };
}
