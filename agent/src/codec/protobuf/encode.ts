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
  return value === field.fallback || (field.kind === KIND_BYTES && (value as Uint8Array).length === 0);
}

/**
 * Two passes: the first measures and notes the sizes of strings and sub-messages in visiting order, the second writes them into
 * one buffer of the exact size. Nothing grows and bulk data is copied once.
 */
class Encoder {
  readonly #schema: Schema;
  /** Sizes of sub-messages, map entries and packed lists, and encoded strings, in visiting order. */
  readonly #notes: (number | Uint8Array)[] = [];
  #next = 0;
  #bytes = new Uint8Array(0);
  #position = 0;

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  encode(type: MessageType, message: AnyInit, reserve: number): Uint8Array {
    const size = this.#measure(type, message);
    this.#bytes = new Uint8Array(reserve + size);
    this.#position = reserve;
    this.#write(type, message);
    return this.#bytes;
  }

  #measure(type: MessageType, message: AnyInit): number {
    let size = 0;
    for (const field of type.fields) {
      const value = message[field.name];
      switch (field.label) {
        case 'repeated':
          if (value !== undefined) size += this.#measureList(type, field, value as readonly unknown[]);
          break;
        case 'map':
          if (value !== undefined) size += this.#measureMap(type, field, value as ReadonlyMap<string, unknown>);
          break;
        case 'single':
        case 'optional':
          if (!isAbsent(field, value)) size += varintSize(field.number << 3) + this.#measureValue(type, field, value);
          break;
      }
    }
    return size;
  }

  #measureList(type: MessageType, field: FieldType, list: readonly unknown[]): number {
    if (list.length === 0) return 0;
    const tagSize = varintSize(field.number << 3);
    if (field.wireType === 2) {
      let size = 0;
      for (const value of list) size += tagSize + this.#measureValue(type, field, value);
      return size;
    }
    const slot = this.#notes.push(0) - 1;
    let size = 0;
    for (const value of list) size += this.#measureValue(type, field, value);
    this.#notes[slot] = size;
    return tagSize + varintSize(size) + size;
  }

  #measureMap(type: MessageType, field: FieldType, map: ReadonlyMap<string, unknown>): number {
    let total = 0;
    for (const [key, value] of map) {
      const slot = this.#notes.push(0) - 1;
      const size = 2 + this.#measureText(type, field, key) + this.#measureValue(type, field, value);
      this.#notes[slot] = size;
      total += varintSize(field.number << 3) + varintSize(size) + size;
    }
    return total;
  }

  #measureText(type: MessageType, field: FieldType, value: unknown): number {
    if (typeof value !== 'string') throw wrongValue(type, field, 'a string');
    // Names from the kernel may hold escaped bytes; on the wire a string is UTF-8 or it is refused by the peer.
    const bytes = encodeBytes(value.toWellFormed());
    this.#notes.push(bytes);
    return varintSize(bytes.length) + bytes.length;
  }

  #measureValue(type: MessageType, field: FieldType, value: unknown): number {
    switch (field.kind) {
      case KIND_STRING:
        return this.#measureText(type, field, value);
      case KIND_MESSAGE: {
        if (typeof value !== 'object' || value === null) throw wrongValue(type, field, 'a message');
        const slot = this.#notes.push(0) - 1;
        const size = this.#measure(this.#schema.type(field.messageIndex), value as AnyInit);
        this.#notes[slot] = size;
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
        if (typeof value !== 'number' || (value | 0) !== value)
          throw wrongValue(type, field, 'a signed 32-bit integer');
        return value < 0 ? 10 : varintSize(value);
      default:
        throw new RangeError(`no field of kind ${field.kind}`);
    }
  }

  #write(type: MessageType, message: AnyInit): void {
    for (const field of type.fields) {
      const value = message[field.name];
      const wireType = field.wireType;
      if (field.label === 'repeated') {
        if (value === undefined) continue;
        const list = value as readonly unknown[];
        if (wireType === 2) {
          for (const element of list) {
            this.#varint((field.number << 3) | 2);
            this.#writeValue(field, element);
          }
        } else if (list.length > 0) {
          this.#varint((field.number << 3) | 2);
          this.#varint(this.#note() as number);
          for (const element of list) this.#writeValue(field, element);
        }
      } else if (field.label === 'map') {
        if (value === undefined) continue;
        const valueTag =
          field.kind === KIND_STRING || field.kind === KIND_MESSAGE || field.kind === KIND_BYTES ? 0x12 : 0x10;
        for (const element of (value as ReadonlyMap<string, unknown>).values()) {
          this.#varint((field.number << 3) | 2);
          this.#varint(this.#note() as number);
          this.#varint(0x0a);
          this.#block(this.#note() as Uint8Array);
          this.#varint(valueTag);
          this.#writeValue(field, element);
        }
      } else if (!isAbsent(field, value)) {
        this.#varint((field.number << 3) | wireType);
        this.#writeValue(field, value);
      }
    }
  }

  #writeValue(field: FieldType, value: unknown): void {
    switch (field.kind) {
      case KIND_STRING:
        this.#block(this.#note() as Uint8Array);
        break;
      case KIND_MESSAGE:
        this.#varint(this.#note() as number);
        this.#write(this.#schema.type(field.messageIndex), value as AnyInit);
        break;
      case KIND_BYTES:
        this.#block(value as Uint8Array);
        break;
      case KIND_BOOL:
        this.#varint(value === true ? 1 : 0);
        break;
      case KIND_UINT64:
      case KIND_INT64:
        this.#varint64(value as bigint);
        break;
      default:
        if ((value as number) < 0) this.#varint64(BigInt(value as number));
        else this.#varint(value as number);
    }
  }

  #note(): number | Uint8Array {
    return this.#notes[this.#next++] as number | Uint8Array;
  }

  #block(bytes: Uint8Array): void {
    this.#varint(bytes.length);
    this.#bytes.set(bytes, this.#position);
    this.#position += bytes.length;
  }

  /** `value` is below 2^32. */
  #varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#position++] = rest;
  }

  #varint64(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    while (rest >= 128n) {
      this.#bytes[this.#position++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#position++] = Number(rest);
  }
}

function wrongValue(type: MessageType, field: FieldType, wanted: string): ProtobufError {
  return new ProtobufError('malformed', `${type.name}.${field.name}: must be ${wanted}`);
}

/**
 * Encodes `message` as the message `index` of `schema`, behind `reserve` zero bytes that the caller fills (a frame header, an
 * envelope), so that the payload need not be copied again. Throws `ProtobufError` for a value that does not fit its field.
 */
export function encodeMessage(schema: Schema, index: number, message: AnyInit, reserve: number): Uint8Array {
  return new Encoder(schema).encode(schema.type(index), message, reserve);
}
