import { littleEndian } from '../../abi/byte-order.ts';
import { decodeBytes, encodeBytes } from '../../base/text.ts';
import { NetlinkError } from './netlink-error.ts';

/** An attribute: `len u16 | type u16 | payload`, padded to 4 bytes (netlink(7), rtnetlink(7)). */
export interface Attribute {
  /** Without the flag bits. */
  readonly type: number;
  readonly payload: Uint8Array;
}

export const ATTRIBUTE_HEADER_SIZE = 4;

/** The length field has 16 bits and counts the header: a longer payload would wrap and forge the next attribute (security case API-10). */
export const MAX_ATTRIBUTE_PAYLOAD = 0xffff - ATTRIBUTE_HEADER_SIZE;

/** NLA_F_NESTED | NLA_F_NET_BYTEORDER: what is left is the type. */
const TYPE_MASK = 0x3fff;

/** Rounds up to the alignment of messages and attributes. */
export function align4(length: number): number {
  return (length + 3) & ~3;
}

/** One attribute with its padding. Throws NetlinkError when type or payload do not fit their fields. */
export function encodeAttribute(type: number, payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_ATTRIBUTE_PAYLOAD)
    throw new NetlinkError(`attribute ${type}: ${payload.length} bytes do not fit (at most ${MAX_ATTRIBUTE_PAYLOAD})`);
  if (!Number.isInteger(type) || type < 0 || type > 0xffff)
    throw new NetlinkError(`attribute type ${type} does not fit 16 bits`);
  const bytes = new Uint8Array(align4(ATTRIBUTE_HEADER_SIZE + payload.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ATTRIBUTE_HEADER_SIZE + payload.length, littleEndian);
  view.setUint16(2, type, littleEndian);
  bytes.set(payload, ATTRIBUTE_HEADER_SIZE);
  return bytes;
}

/** All attributes from `offset` on. Throws NetlinkError when a length points outside. */
export function decodeAttributes(bytes: Uint8Array, offset = 0): Attribute[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes: Attribute[] = [];
  let at = offset;
  while (at + ATTRIBUTE_HEADER_SIZE <= bytes.length) {
    const length = view.getUint16(at, littleEndian);
    if (length < ATTRIBUTE_HEADER_SIZE || at + length > bytes.length)
      throw new NetlinkError(`attribute at ${at}: length ${length} of ${bytes.length - at} bytes`);
    attributes.push({
      type: view.getUint16(at + 2, littleEndian) & TYPE_MASK,
      payload: bytes.subarray(at + ATTRIBUTE_HEADER_SIZE, at + length),
    });
    at += align4(length);
  }
  return attributes;
}

/** The payload of the last attribute of a type; undefined when there is none. */
export function findAttribute(attributes: readonly Attribute[], type: number): Uint8Array | undefined {
  return attributes.findLast((attribute) => attribute.type === type)?.payload;
}

/** A u32 attribute. */
export function encodeUint32Attribute(type: number, value: number): Uint8Array {
  if (value >>> 0 !== value) throw new NetlinkError(`attribute ${type}: ${value} does not fit 32 bits`);
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, value, littleEndian);
  return encodeAttribute(type, payload);
}

/** The u32 of a payload; throws NetlinkError when it is shorter. */
export function decodeUint32(payload: Uint8Array): number {
  if (payload.length < 4) throw new NetlinkError(`a number of ${payload.length} bytes`);
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(0, littleEndian);
}

/** A NUL-terminated string attribute; throws NetlinkError when the text holds NUL. */
export function encodeTextAttribute(type: number, text: string): Uint8Array {
  if (text.includes('\0')) throw new NetlinkError(`attribute ${type}: text contains NUL`);
  const bytes = encodeBytes(text);
  const payload = new Uint8Array(bytes.length + 1);
  payload.set(bytes);
  return encodeAttribute(type, payload);
}

/** The text of a payload up to its first NUL. */
export function decodeText(payload: Uint8Array): string {
  const end = payload.indexOf(0);
  return decodeBytes(end < 0 ? payload : payload.subarray(0, end));
}
