import {
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_LOCAL,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  RTM_NEWADDR,
} from '../../abi/constants.ts';
import { littleEndian } from '../../abi/byte-order.ts';
import { decodeAttributes, decodeUint32, encodeAttribute, encodeUint32Attribute, findAttribute } from './attribute.ts';
import type { Attribute } from './attribute.ts';
import { encodeIfaddrmsg, IFADDRMSG_SIZE } from './ifaddrmsg.ts';
import { encodeMessage, type NetlinkMessage } from './message.ts';
import { NetlinkError } from './netlink-error.ts';

/** All 32 flags of an address (linux/if_addr.h, an enumeration). */
const IFA_FLAGS = 8;

/** An address of an interface as the kernel has it, to be given to it again. */
export interface InterfaceAddress {
  /** Of the interface. */
  readonly index: number;
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly prefixLength: number;
  /** IFA_F_*, all 32 bits. */
  readonly flags: number;
  /** RT_SCOPE_*. */
  readonly scope: number;
  /** What says which address it is: local, peer and broadcast address, in network byte order. */
  readonly addresses: readonly Attribute[];
}

/** The address of an RTM_NEWADDR; undefined for another message. Throws NetlinkError when it is cut short. */
export function decodeAddress(message: NetlinkMessage): InterfaceAddress | undefined {
  if (message.type !== RTM_NEWADDR) return undefined;
  const { payload } = message;
  if (payload.length < IFADDRMSG_SIZE) throw new NetlinkError(`address of ${payload.length} bytes`);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = decodeAttributes(payload, IFADDRMSG_SIZE);
  const flags = findAttribute(attributes, IFA_FLAGS);
  return {
    family: view.getUint8(0),
    prefixLength: view.getUint8(1),
    flags: flags === undefined ? view.getUint8(2) : decodeUint32(flags),
    scope: view.getUint8(3),
    index: view.getUint32(4, littleEndian),
    addresses: attributes.filter(({ type }) => type === IFA_ADDRESS || type === IFA_LOCAL || type === IFA_BROADCAST),
  };
}

/** Gives an interface an address; acknowledged. EEXIST when it has it. */
export function encodeNewAddress(address: InterfaceAddress, sequence: number): Uint8Array {
  const { family, prefixLength, flags, scope, index } = address;
  const header = { type: RTM_NEWADDR, flags: NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sequence, port: 0 };
  return encodeMessage(header, [
    encodeIfaddrmsg(family, prefixLength, index, flags, scope),
    ...address.addresses.map(({ type, payload }) => encodeAttribute(type, payload)),
    encodeUint32Attribute(IFA_FLAGS, flags),
  ]);
}
