import {
  AF_UNSPEC,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_MTU,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_SETLINK,
} from '../../abi/constants.ts';
import { littleEndian } from '../../abi/byte-order.ts';
import { encodeBytes } from '../../base/text.ts';
import {
  decodeAttributes,
  decodeText,
  decodeUint32,
  encodeAttribute,
  encodeTextAttribute,
  encodeUint32Attribute,
  findAttribute,
} from './attribute.ts';
import { encodeMessage, type NetlinkMessage } from './message.ts';
import { NetlinkError } from './netlink-error.ts';

/** `struct ifinfomsg`: `family u8 | pad u8 | type u16 | index i32 | flags u32 | change u32` (rtnetlink(7)). */
const IFINFOMSG_SIZE = 16;

/** Longest interface name in bytes (IFNAMSIZ - 1). */
export const MAX_INTERFACE_NAME = 15;

/** A network interface as the kernel describes it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFF_*. */
  readonly flags: number;
  /** ARPHRD_*. */
  readonly type: number;
  /** Hardware address; empty when it has none. */
  readonly address: Uint8Array;
  readonly mtu: number;
}

function ifinfomsg(index: number, flags: number, change: number): Uint8Array {
  const bytes = new Uint8Array(IFINFOMSG_SIZE);
  const view = new DataView(bytes.buffer);
  bytes[0] = AF_UNSPEC;
  view.setInt32(4, index, littleEndian);
  view.setUint32(8, flags, littleEndian);
  view.setUint32(12, change, littleEndian);
  return bytes;
}

/** Throws NetlinkError for a name that the kernel would not take (dev_valid_name): empty, too long, `.`, `..`, `/`, `:`, white space. */
export function checkInterfaceName(name: string): void {
  const bad =
    name === '' ||
    encodeBytes(name).length > MAX_INTERFACE_NAME ||
    name === '.' ||
    name === '..' ||
    /[/:\s\0]/.test(name);
  if (bad) throw new NetlinkError(`interface name ${JSON.stringify(name.slice(0, 64))} is not valid`);
}

/** Asks for one interface by name. The kernel answers RTM_NEWLINK, or ENODEV. */
export function encodeGetLink(name: string, sequence: number): Uint8Array {
  checkInterfaceName(name);
  const header = { type: RTM_GETLINK, flags: NLM_F_REQUEST, sequence, port: 0 };
  return encodeMessage(header, [ifinfomsg(0, 0, 0), encodeTextAttribute(IFLA_IFNAME, name)]);
}

/** Asks for all interfaces. */
export function encodeDumpLinks(sequence: number): Uint8Array {
  const header = { type: RTM_GETLINK, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence, port: 0 };
  return encodeMessage(header, [ifinfomsg(0, 0, 0)]);
}

/** What one message can change of an interface; what is undefined stays. */
export interface LinkChange {
  readonly name?: string | undefined;
  readonly mtu?: number | undefined;
  readonly address?: Uint8Array | undefined;
  /** IFF_* bits and which of them to change. */
  readonly flags?: number;
  readonly flagMask?: number;
}

/** Changes one interface; acknowledged. The kernel applies name, MTU and address one after the other, not as a whole. */
export function encodeChangeLink(index: number, change: LinkChange, sequence: number): Uint8Array {
  const { name, mtu, address, flags = 0, flagMask = 0 } = change;
  if (flagMask === 0 && flags !== 0) throw new NetlinkError('flags without a mask would set all flags');
  if (name !== undefined) checkInterfaceName(name);
  const parts = [
    ...(name === undefined ? [] : [encodeTextAttribute(IFLA_IFNAME, name)]),
    ...(mtu === undefined ? [] : [encodeUint32Attribute(IFLA_MTU, mtu)]),
    ...(address === undefined ? [] : [encodeAttribute(IFLA_ADDRESS, address)]),
  ];
  const header = { type: RTM_SETLINK, flags: NLM_F_REQUEST | NLM_F_ACK, sequence, port: 0 };
  return encodeMessage(header, [ifinfomsg(index, flags, flagMask), ...parts]);
}

/** Sets the flags under `change` of one interface, e.g. IFF_UP; acknowledged. */
export function encodeSetLinkFlags(index: number, flags: number, change: number, sequence: number): Uint8Array {
  // A change mask of 0 with flags means "set all flags": never what a caller wants.
  if (change === 0) throw new NetlinkError('no flag to change');
  const header = { type: RTM_SETLINK, flags: NLM_F_REQUEST | NLM_F_ACK, sequence, port: 0 };
  return encodeMessage(header, [ifinfomsg(index, flags, change)]);
}

/** Brings one interface up or down; acknowledged. */
export function encodeSetLinkUp(index: number, isUp: boolean, sequence: number): Uint8Array {
  return encodeSetLinkFlags(index, isUp ? IFF_UP : 0, IFF_UP, sequence);
}

/** Attribute of a link: a descriptor of the network namespace it goes to (linux/if_link.h, an enumeration). */
const IFLA_NET_NS_FD = 28;

/** Moves one interface into the network namespace of a descriptor, under the given name; acknowledged. */
export function encodeMoveLink(index: number, namespace: number, name: string, sequence: number): Uint8Array {
  checkInterfaceName(name);
  const header = { type: RTM_SETLINK, flags: NLM_F_REQUEST | NLM_F_ACK, sequence, port: 0 };
  const attributes = [encodeUint32Attribute(IFLA_NET_NS_FD, namespace), encodeTextAttribute(IFLA_IFNAME, name)];
  return encodeMessage(header, [ifinfomsg(index, 0, 0), ...attributes]);
}

/** The interface of an RTM_NEWLINK; undefined for another message. Throws NetlinkError when it is cut short. */
export function decodeLink(message: NetlinkMessage): Link | undefined {
  if (message.type !== RTM_NEWLINK) return undefined;
  const { payload } = message;
  if (payload.length < IFINFOMSG_SIZE) throw new NetlinkError(`link of ${payload.length} bytes`);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = decodeAttributes(payload, IFINFOMSG_SIZE);
  const name = findAttribute(attributes, IFLA_IFNAME);
  const mtu = findAttribute(attributes, IFLA_MTU);
  return {
    index: view.getInt32(4, littleEndian),
    type: view.getUint16(2, littleEndian),
    flags: view.getUint32(8, littleEndian),
    name: name === undefined ? '' : decodeText(name),
    address: findAttribute(attributes, IFLA_ADDRESS) ?? new Uint8Array(0),
    mtu: mtu === undefined ? 0 : decodeUint32(mtu),
  };
}
