/** `struct ifaddrmsg`: `family u8 | prefixlen u8 | flags u8 | scope u8 | index u32` (rtnetlink(7)). */
import { AF_UNSPEC, NLM_F_DUMP, NLM_F_REQUEST, RTM_GETADDR } from '../../abi/constants.ts';
import { littleEndian } from '../../abi/byte-order.ts';
import { encodeMessage } from './message.ts';

export const IFADDRMSG_SIZE = 8;

/** `flags` are the lower eight; the others are an attribute. */
export function encodeIfaddrmsg(family: number, prefixLength: number, index: number, flags = 0, scope = 0): Uint8Array {
  const bytes = new Uint8Array(IFADDRMSG_SIZE);
  bytes.set([family, prefixLength, flags & 0xff, scope]);
  new DataView(bytes.buffer).setUint32(4, index, littleEndian);
  return bytes;
}

/** Asks for the addresses of all interfaces; each comes as an RTM_NEWADDR. */
export function encodeDumpAddresses(sequence: number): Uint8Array {
  const header = { type: RTM_GETADDR, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence, port: 0 };
  return encodeMessage(header, [encodeIfaddrmsg(AF_UNSPEC, 0, 0)]);
}
