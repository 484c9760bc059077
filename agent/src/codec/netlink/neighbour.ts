import {
  AF_INET,
  AF_INET6,
  NDA_DST,
  NDA_LLADDR,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  RTM_NEWNEIGH,
} from '../../abi/constants.ts';
import { littleEndian } from '../../abi/byte-order.ts';
import { isIpv4 } from '../ip-address.ts';
import { encodeAttribute } from './attribute.ts';
import { encodeMessage } from './message.ts';

/** `struct ndmsg`: `family u8 | pad 3 | ifindex i32 | state u16 | flags u8 | type u8` (rtnetlink(7)). */
const NDMSG_SIZE = 12;

/** An entry of the neighbour table (arp(7)). */
export interface Neighbour {
  readonly address: Uint8Array;
  /** Undefined: not known. */
  readonly hardwareAddress: Uint8Array | undefined;
  /** Of the interface. */
  readonly index: number;
  /** NUD_*. */
  readonly state: number;
  /** NTF_*. */
  readonly flags: number;
}

/** Makes an entry, or replaces that of the same address; acknowledged. */
export function encodeReplaceNeighbour(neighbour: Neighbour, sequence: number): Uint8Array {
  const bytes = new Uint8Array(NDMSG_SIZE);
  const view = new DataView(bytes.buffer);
  bytes[0] = isIpv4(neighbour.address) ? AF_INET : AF_INET6;
  view.setInt32(4, neighbour.index, littleEndian);
  view.setUint16(8, neighbour.state, littleEndian);
  bytes[10] = neighbour.flags;
  const parts = [encodeAttribute(NDA_DST, neighbour.address)];
  if (neighbour.hardwareAddress !== undefined) parts.push(encodeAttribute(NDA_LLADDR, neighbour.hardwareAddress));
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
  return encodeMessage({ type: RTM_NEWNEIGH, flags, sequence, port: 0 }, [bytes, ...parts]);
}
