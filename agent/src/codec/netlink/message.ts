import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR } from '../../abi/constants.ts';
import { littleEndian } from '../../abi/byte-order.ts';
import { align4, decodeAttributes, decodeText, findAttribute } from './attribute.ts';
import { NetlinkError } from './netlink-error.ts';

/** `struct nlmsghdr`: `len u32 | type u16 | flags u16 | seq u32 | pid u32` (netlink(7)). */
export const MESSAGE_HEADER_SIZE = 16;

export interface NetlinkHeader {
  readonly type: number;
  /** NLM_F_*. */
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
}

export interface NetlinkMessage extends NetlinkHeader {
  /** What follows the header. */
  readonly payload: Uint8Array;
}

/** What the kernel says about a request. */
export interface NetlinkStatus {
  /** Positive errno; 0 is the acknowledgement. */
  readonly errno: number;
  /** The kernel's own words (extended ACK), empty without. */
  readonly text: string;
}

/** The message attribute of an extended ACK (enum nlmsgerr_attrs). */
const NLMSGERR_ATTR_MSG = 1;
const ERRNO_SIZE = 4;

/** A message with its parts (a family header, attributes) joined and padded. */
export function encodeMessage(header: NetlinkHeader, parts: readonly Uint8Array[]): Uint8Array {
  let length = MESSAGE_HEADER_SIZE;
  for (const part of parts) length += align4(part.length);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, littleEndian);
  view.setUint16(4, header.type, littleEndian);
  view.setUint16(6, header.flags, littleEndian);
  view.setUint32(8, header.sequence, littleEndian);
  view.setUint32(12, header.port, littleEndian);
  let at = MESSAGE_HEADER_SIZE;
  for (const part of parts) {
    bytes.set(part, at);
    at += align4(part.length);
  }
  return bytes;
}

/** All messages of one datagram; payloads are views of it. Throws NetlinkError when a length points outside. */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at + MESSAGE_HEADER_SIZE <= datagram.length) {
    const length = view.getUint32(at, littleEndian);
    if (length < MESSAGE_HEADER_SIZE || at + length > datagram.length)
      throw new NetlinkError(`message at ${at}: length ${length} of ${datagram.length - at} bytes`);
    messages.push({
      type: view.getUint16(at + 4, littleEndian),
      flags: view.getUint16(at + 6, littleEndian),
      sequence: view.getUint32(at + 8, littleEndian),
      port: view.getUint32(at + 12, littleEndian),
      payload: datagram.subarray(at + MESSAGE_HEADER_SIZE, at + length),
    });
    at += align4(length);
  }
  if (at < datagram.length) throw new NetlinkError(`${datagram.length - at} bytes after the last message`);
  return messages;
}

/** The status that NLMSG_ERROR or NLMSG_DONE carries; undefined for any other message. Throws NetlinkError when it is cut short. */
export function decodeStatus(message: NetlinkMessage): NetlinkStatus | undefined {
  if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) return undefined;
  const { payload } = message;
  // Old kernels end a dump without a number.
  if (message.type === NLMSG_DONE && payload.length < ERRNO_SIZE) return { errno: 0, text: '' };
  if (payload.length < ERRNO_SIZE) throw new NetlinkError(`status of ${payload.length} bytes`);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const errno = view.getInt32(0, littleEndian);
  return { errno: errno === 0 ? 0 : -errno, text: extendedAck(message, view) };
}

/** The message attribute of an extended ACK. It stands behind the echoed request, whose length its own header tells. */
function extendedAck(message: NetlinkMessage, view: DataView): string {
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return '';
  let at = ERRNO_SIZE;
  if (message.type === NLMSG_ERROR) {
    if (message.payload.length < ERRNO_SIZE + MESSAGE_HEADER_SIZE) return '';
    const echoed =
      (message.flags & NLM_F_CAPPED) !== 0 ? MESSAGE_HEADER_SIZE : view.getUint32(ERRNO_SIZE, littleEndian);
    // Checked before it is rounded, which is 32-bit arithmetic.
    if (echoed > message.payload.length) return '';
    at += align4(echoed);
  }
  if (at > message.payload.length) return '';
  const text = findAttribute(decodeAttributes(message.payload, at), NLMSGERR_ATTR_MSG);
  return text === undefined ? '' : decodeText(text);
}
