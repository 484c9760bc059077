import { DbusError } from './dbus-error.ts';
import { ValueReader } from './decode-value.ts';
import { ValueWriter } from './encode-value.ts';
import { parseSignature } from './signature.ts';
import type { DbusValue, Variant } from './value.ts';

export type MessageType = 'call' | 'return' | 'error' | 'signal';

/** What the header of a message says beside its type (D-Bus specification, "Header Fields"). */
export interface MessageFields {
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  readonly sender?: string;
  /** Of the body; empty without one. */
  readonly signature: string;
}

export interface Message extends MessageFields {
  readonly type: MessageType;
  /** Not 0. */
  readonly serial: number;
  /** The body's values. Read when they are asked for: most signals are of no interest. Throws DbusError. */
  readonly body: () => readonly DbusValue[];
}

/** What is needed to say something. */
export interface OutgoingMessage extends MessageFields {
  readonly type: MessageType;
  readonly serial: number;
  readonly values: readonly DbusValue[];
}

/** Byte order, type, flags, version, length of the body, serial, and the length of the header fields. */
export const fixedHeaderBytes = 16;
const littleEndian = 0x6c;
const bigEndian = 0x42;
const protocolVersion = 1;

const types: readonly (MessageType | undefined)[] = [undefined, 'call', 'return', 'error', 'signal'];
/** By the number of the field. */
const fields = [
  undefined,
  { key: 'path', signature: 'o' },
  { key: 'interface', signature: 's' },
  { key: 'member', signature: 's' },
  { key: 'errorName', signature: 's' },
  { key: 'replySerial', signature: 'u' },
  { key: 'destination', signature: 's' },
  { key: 'sender', signature: 's' },
  { key: 'signature', signature: 'g' },
] as const;
const required: Readonly<Record<MessageType, readonly (keyof MessageFields)[]>> = {
  call: ['path', 'member'],
  return: ['replySerial'],
  error: ['errorName', 'replySerial'],
  signal: ['path', 'interface', 'member'],
};

function align8(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** Encodes a message in little-endian order. Throws DbusError for values that do not fit their signature. */
export function encodeMessage(message: OutgoingMessage): Uint8Array {
  const body = new ValueWriter();
  body.writeAll(message.signature, message.values);
  const writer = new ValueWriter();
  for (const byte of [littleEndian, types.indexOf(message.type), 0, protocolVersion]) writer.writeByte(byte);
  writer.writeU32(body.length);
  writer.writeU32(message.serial);
  const entries = fields.flatMap((field, code): DbusValue[] => {
    const value = field && message[field.key];
    if (field === undefined || value === undefined || (field.key === 'signature' && value === '')) return [];
    return [[code, { signature: field.signature, value }]];
  });
  writer.writeAll('a(yv)', [entries]);
  writer.align(8);
  writer.writeBytes(body.finish());
  return writer.finish();
}

/** Bytes of the message that begins here; undefined while the fixed part of its header is not complete. Throws DbusError. */
export function messageLength(bytes: Uint8Array, maxBytes: number): number | undefined {
  if (bytes.length > 0) isLittleEndian(bytes);
  if (bytes.length < fixedHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, fixedHeaderBytes);
  const isLittle = isLittleEndian(bytes);
  const length = align8(fixedHeaderBytes + view.getUint32(12, isLittle)) + view.getUint32(4, isLittle);
  if (length > maxBytes) throw new DbusError(`message of ${length} bytes`);
  return length;
}

function isLittleEndian(bytes: Uint8Array): boolean {
  const [mark] = bytes;
  if (mark !== littleEndian && mark !== bigEndian) throw new DbusError(`${mark} is no byte order`);
  return mark === littleEndian;
}

function readFields(reader: ValueReader): MessageFields {
  const [type] = parseSignature('a(yv)');
  const list = type === undefined ? [] : reader.read(type);
  const found: Partial<Record<keyof MessageFields, string | number>> = {};
  for (const [code, variant] of list as readonly (readonly [number, Variant])[]) {
    const field = fields[code];
    if (code === 0) throw new DbusError('header field 0');
    // Others are to be passed over.
    if (field === undefined) continue;
    if (variant.signature !== field.signature) throw new DbusError(`${field.key} of the type ${variant.signature}`);
    found[field.key] = variant.value as string | number;
  }
  return { signature: '', ...found } as MessageFields;
}

/** Decodes one whole message. Undefined for types that are not known, which are to be passed over. Throws DbusError. */
export function decodeMessage(bytes: Uint8Array): Message | undefined {
  if (messageLength(bytes, bytes.length) !== bytes.length) throw new DbusError('the message has another length');
  const isLittle = isLittleEndian(bytes);
  const reader = new ValueReader(bytes, isLittle);
  const [, code = 0, , version] = [0, 1, 2, 3].map(() => reader.readByte());
  if (version !== protocolVersion) throw new DbusError(`protocol version ${version}`);
  const bodyLength = reader.readU32();
  const serial = reader.readU32();
  if (code === 0 || serial === 0) throw new DbusError(code === 0 ? 'message type 0' : 'serial 0');
  const found = readFields(reader);
  reader.align(8);
  const type = types[code];
  if (type === undefined) return undefined;
  const missing = required[type].find((key) => found[key] === undefined);
  if (missing !== undefined) throw new DbusError(`${type} without ${missing}`);
  const start = bytes.length - bodyLength;
  // The copy is aligned as it was: bodies begin at a multiple of 8.
  return {
    ...found,
    type,
    serial,
    body: () => new ValueReader(bytes.subarray(start), isLittle).readAll(found.signature),
  };
}
