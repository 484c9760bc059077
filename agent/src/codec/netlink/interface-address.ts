import {
  AF_INET,
  AF_INET6,
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_LOCAL,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  RTM_DELADDR,
  RTM_NEWADDR,
} from '../../abi/constants.ts';
import { littleEndian } from '../../abi/byte-order.ts';
import { broadcastOf, isIpv4, type IpPrefix } from '../ip-address.ts';
import { decodeAttributes, encodeAttribute, findAttribute } from './attribute.ts';
import { encodeIfaddrmsg, IFADDRMSG_SIZE } from './ifaddrmsg.ts';
import { encodeMessage, type NetlinkMessage } from './message.ts';
import { NetlinkError } from './netlink-error.ts';

/** An address of an interface. */
export interface InterfaceAddress {
  readonly index: number;
  readonly prefix: IpPrefix;
}

function encodeChange(type: number, flags: number, { index, prefix }: InterfaceAddress, sequence: number): Uint8Array {
  const { address, length } = prefix;
  const family = isIpv4(address) ? AF_INET : AF_INET6;
  const parts = [encodeAttribute(IFA_ADDRESS, address), encodeAttribute(IFA_LOCAL, address)];
  if (family === AF_INET) parts.push(encodeAttribute(IFA_BROADCAST, broadcastOf(prefix)));
  const header = { type, flags: NLM_F_REQUEST | NLM_F_ACK | flags, sequence, port: 0 };
  return encodeMessage(header, [encodeIfaddrmsg(family, length, index), ...parts]);
}

/** Adds an address, or refreshes the same one; acknowledged. */
export function encodeAddAddress(address: InterfaceAddress, sequence: number): Uint8Array {
  return encodeChange(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address, sequence);
}

/** Removes an address; acknowledged. */
export function encodeRemoveAddress(address: InterfaceAddress, sequence: number): Uint8Array {
  return encodeChange(RTM_DELADDR, 0, address, sequence);
}

/** The address of an RTM_NEWADDR; undefined for another message or family. Throws NetlinkError when it is cut short. */
export function decodeAddress(message: NetlinkMessage): InterfaceAddress | undefined {
  const { type, payload } = message;
  if (type !== RTM_NEWADDR || (payload[0] !== AF_INET && payload[0] !== AF_INET6)) return undefined;
  if (payload.length < IFADDRMSG_SIZE) throw new NetlinkError(`address of ${payload.length} bytes`);
  const attributes = decodeAttributes(payload, IFADDRMSG_SIZE);
  const address = findAttribute(attributes, IFA_ADDRESS) ?? findAttribute(attributes, IFA_LOCAL);
  const size = payload[0] === AF_INET ? 4 : 16;
  if (address?.length !== size)
    throw new NetlinkError(`address of family ${payload[0]} in ${address?.length ?? 0} bytes`);
  const index = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(4, littleEndian);
  return { index, prefix: { address, length: payload[1] ?? 0 } };
}
