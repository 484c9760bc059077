import { encodeBytes } from '../../base/text.ts';
import { ProtobufError } from './protobuf-error.ts';
import type { FieldType, MessageType, Schema } from './schema.ts';
import {
  KIND_BOOL,
  KIND_BYTES,
  KIND_ENUM,
  KIND_INT32,
  KIND_INT64,
  KIND_MESSAGE,
  KIND_STRING,
  KIND_UINT32,
  KIND_UINT64,
} from './schema.ts';

/** Values of one message by field name; absent and undefined mean "not set". */
export type AnyInit = Readonly<Record<string, unknown>>;

/** Room for a varint of `value`, in bytes; `value` is an unsigned number below 2^53. */
function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function varint64Size(value: bigint): number {
  let size = 1;
  for (let rest = BigInt.asUintN(64, value); rest >= 128n; rest >>= 7n) size += 1;
  return size;
}

function isAbsent(field: FieldType, value: unknown): boolean {
  if (value === undefined) return true;
  if (field.label === 'optional') return false;
  // Proto3 does not write a scalar that has its default value.
  return value === field.fallback || (value instanceof Uint8Array && value.length === 0);
}

/*
 * The writer, in two passes: the first measures and notes the sizes of strings and sub-messages in visiting order, the second writes them into one
 * buffer of the exact size. Nothing grows and bulk data is copied once.
 *
 * Its state is in variables of this module, as in the reader: encoding never calls out, so two encodes cannot mix.
 */
const NO_BYTES = new Uint8Array(0);

let schema: Schema;
let output = NO_BYTES;
let position = 0;
/** Sizes of sub-messages, map entries and packed lists, and encoded strings, in visiting order. */
let notes: (number | Uint8Array)[] = [];
let nextNote = 0;

function measureMessage(type: MessageType, message: AnyInit): number {
  let size = 0;
  for (const field of type.fields) {
    const value = message[field.name];
    switch (field.label) {
      case 'repeated':
        if (value !== undefined) size += measureList(type, field, value as readonly unknown[]);
        break;
      case 'map':
        if (value !== undefined) size += measureMap(type, field, value as ReadonlyMap<string, unknown>);
        break;
      case 'single':
      case 'optional':
        if (!isAbsent(field, value)) size += varintSize(field.number << 3) + measureValue(type, field, value);
        break;
    }
  }
  return size;
}

function measureList(type: MessageType, field: FieldType, list: readonly unknown[]): number {
  if (list.length === 0) return 0;
  const tagSize = varintSize(field.number << 3);
  if (field.wireType === 2) {
    let size = 0;
    for (const value of list) size += tagSize + measureValue(type, field, value);
    return size;
  }
  const slot = notes.push(0) - 1;
  let size = 0;
  for (const value of list) size += measureValue(type, field, value);
  notes[slot] = size;
  return tagSize + varintSize(size) + size;
}

function measureMap(type: MessageType, field: FieldType, map: ReadonlyMap<string, unknown>): number {
  let total = 0;
  for (const [key, value] of map) {
    const slot = notes.push(0) - 1;
    const size = 2 + measureText(type, field, key) + measureValue(type, field, value);
    notes[slot] = size;
    total += varintSize(field.number << 3) + varintSize(size) + size;
  }
  return total;
}

function measureText(type: MessageType, field: FieldType, value: unknown): number {
  if (typeof value !== 'string') throw wrongValue(type, field, 'a string');
  // Names from the kernel may hold escaped bytes; on the wire a string is UTF-8 or it is refused by the peer.
  const bytes = encodeBytes(value.toWellFormed());
  notes.push(bytes);
  return varintSize(bytes.length) + bytes.length;
}

function measureValue(type: MessageType, field: FieldType, value: unknown): number {
  switch (field.kind) {
    case KIND_STRING:
      return measureText(type, field, value);
    case KIND_MESSAGE: {
      if (typeof value !== 'object' || value === null) throw wrongValue(type, field, 'a message');
      const slot = notes.push(0) - 1;
      const size = measureMessage(schema.type(field.messageIndex), value as AnyInit);
      notes[slot] = size;
      return varintSize(size) + size;
    }
    case KIND_BYTES:
      if (!(value instanceof Uint8Array)) throw wrongValue(type, field, 'a Uint8Array');
      return varintSize(value.length) + value.length;
    case KIND_BOOL:
      if (typeof value !== 'boolean') throw wrongValue(type, field, 'a boolean');
      return 1;
    case KIND_UINT64:
      if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value)
        throw wrongValue(type, field, 'a bigint of 64 bits, unsigned');
      return varint64Size(value);
    case KIND_INT64:
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value)
        throw wrongValue(type, field, 'a bigint of 64 bits, signed');
      return varint64Size(value);
    case KIND_UINT32:
      if (typeof value !== 'number' || value >>> 0 !== value)
        throw wrongValue(type, field, 'an unsigned 32-bit integer');
      return varintSize(value);
    case KIND_INT32:
    case KIND_ENUM:
      if (typeof value !== 'number' || (value | 0) !== value) throw wrongValue(type, field, 'a signed 32-bit integer');
      return value < 0 ? 10 : varintSize(value);
    default:
      throw new RangeError(`no field of kind ${field.kind}`);
  }
}

function writeMessage(type: MessageType, message: AnyInit): void {
  for (const field of type.fields) {
    const value = message[field.name];
    const wireType = field.wireType;
    if (field.label === 'repeated') {
      if (value === undefined) continue;
      const list = value as readonly unknown[];
      if (wireType === 2) {
        for (const element of list) {
          writeVarint((field.number << 3) | 2);
          writeValue(field, element);
        }
      } else if (list.length > 0) {
        writeVarint((field.number << 3) | 2);
        writeVarint(takeNote() as number);
        for (const element of list) writeValue(field, element);
      }
    } else if (field.label === 'map') {
      if (value === undefined) continue;
      const valueTag =
        field.kind === KIND_STRING || field.kind === KIND_MESSAGE || field.kind === KIND_BYTES ? 0x12 : 0x10;
      for (const element of (value as ReadonlyMap<string, unknown>).values()) {
        writeVarint((field.number << 3) | 2);
        writeVarint(takeNote() as number);
        writeVarint(0x0a);
        writeBlock(takeNote() as Uint8Array);
        writeVarint(valueTag);
        writeValue(field, element);
      }
    } else if (!isAbsent(field, value)) {
      writeVarint((field.number << 3) | wireType);
      writeValue(field, value);
    }
  }
}

function writeValue(field: FieldType, value: unknown): void {
  switch (field.kind) {
    case KIND_STRING:
      writeBlock(takeNote() as Uint8Array);
      break;
    case KIND_MESSAGE:
      writeVarint(takeNote() as number);
      writeMessage(schema.type(field.messageIndex), value as AnyInit);
      break;
    case KIND_BYTES:
      writeBlock(value as Uint8Array);
      break;
    case KIND_BOOL:
      writeVarint(value === true ? 1 : 0);
      break;
    case KIND_UINT64:
    case KIND_INT64:
      writeVarint64(value as bigint);
      break;
    default:
      if ((value as number) < 0) writeVarint64(BigInt(value as number));
      else writeVarint(value as number);
  }
}

function takeNote(): number | Uint8Array {
  return notes[nextNote++] as number | Uint8Array;
}

function writeBlock(block: Uint8Array): void {
  writeVarint(block.length);
  output.set(block, position);
  position += block.length;
}

/** `value` is below 2^32. */
function writeVarint(value: number): void {
  let rest = value;
  while (rest >= 128) {
    output[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  output[position++] = rest;
}

function writeVarint64(value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  while (rest >= 128n) {
    output[position++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  output[position++] = Number(rest);
}

function wrongValue(type: MessageType, field: FieldType, wanted: string): ProtobufError {
  return new ProtobufError('malformed', `${type.name}.${field.name}: must be ${wanted}`);
}

/**
 * Encodes `message` as the message `index` of `inSchema`, behind `reserve` zero bytes that the caller fills (a frame header, an
 * envelope), so that the payload need not be copied again. Throws `ProtobufError` for a value that does not fit its field.
 */
export function encodeMessage(inSchema: Schema, index: number, message: AnyInit, reserve: number): Uint8Array {
  const type = inSchema.type(index);
  schema = inSchema;
  notes = [];
  nextNote = 0;
  const buffer = new Uint8Array(reserve + measureMessage(type, message));
  output = buffer;
  position = reserve;
  writeMessage(type, message);
  // Nothing of the message stays alive until the next call.
  output = NO_BYTES;
  notes = [];
  return buffer;
}
