import { decodeUtf8 } from '../../base/text.ts';
import { MAX_DEPTH, MAX_ELEMENTS, MAX_FIELDS, MAX_MAP_ENTRIES } from './limits.ts';
import { ProtobufError } from './protobuf-error.ts';
import type { FieldType, MessageType, Schema } from './schema.ts';
import {
  EMPTY_LIST,
  EMPTY_MAP,
  KIND_BOOL,
  KIND_BYTES,
  KIND_ENUM,
  KIND_INT32,
  KIND_INT64,
  KIND_MESSAGE,
  KIND_STRING,
  KIND_UINT32,
  KIND_UINT64,
  MAP_LIMIT_TEXT,
} from './schema.ts';

export interface DecodeOptions {
  /**
   * Refuse U+0000 in every string. Strings of a request end up as C strings, where a check would see the whole and the
   * kernel the head (security case ENG-01).
   */
  readonly refuseNul?: boolean;
}

/** A decoded message of any type; typed by `MessageCodec`. */
export type AnyMessage = Record<string, unknown>;

const NO_BYTES = new Uint8Array(0);

function malformed(reason: string): ProtobufError {
  return new ProtobufError('malformed', reason);
}

/**
 * One pass over one buffer (https://protobuf.dev/programming-guides/encoding/). Every read is bounded by the enclosing
 * message; nothing is allocated by a declared length that the buffer does not hold.
 */
class Decoder {
  readonly #schema: Schema;
  readonly #bytes: Uint8Array;
  readonly #refuseNul: boolean;
  #position = 0;
  #fields = 0;
  #elements = 0;
  #mapEntries = 0;

  constructor(schema: Schema, bytes: Uint8Array, refuseNul: boolean) {
    this.#schema = schema;
    this.#bytes = bytes;
    this.#refuseNul = refuseNul;
  }

  message(type: MessageType, message: AnyMessage, end: number, depth: number): AnyMessage {
    if (depth > MAX_DEPTH) throw new ProtobufError('limit', `${type.name}: nested deeper than ${MAX_DEPTH}`);
    const byNumber = type.byNumber;
    while (this.#position < end) {
      const tag = this.#tag();
      const wireType = tag & 7;
      const field = byNumber[tag >>> 3];
      if (field === undefined) {
        this.#skip(tag, end, depth);
      } else if (field.wireType !== wireType) {
        // A repeated number may come packed; any other disagreement makes the field an unknown one.
        if (wireType === 2 && field.label === 'repeated') this.#packed(message, field, end);
        else this.#skip(tag, end, depth);
      } else if (field.label === 'single' || field.label === 'optional') {
        message[field.name] =
          field.kind === KIND_MESSAGE ? this.#merge(message, field, end, depth) : this.#value(type, field, end, depth);
      } else if (field.label === 'repeated') {
        if (++this.#elements > MAX_ELEMENTS) throw this.#tooMany();
        listOf(message, field).push(this.#value(type, field, end, depth));
      } else {
        this.#mapEntry(type, message, field, end, depth);
      }
    }
    if (this.#position !== end) throw malformed(`${type.name}: field runs past the end of its message`);
    return message;
  }

  #value(type: MessageType, field: FieldType, end: number, depth: number): unknown {
    switch (field.kind) {
      case KIND_STRING:
        return this.#string(type, field, end);
      case KIND_MESSAGE: {
        const inner = this.#schema.type(field.messageIndex);
        const length = this.#length(end);
        return this.message(inner, Object.create(inner.fallbacks) as AnyMessage, this.#position + length, depth + 1);
      }
      case KIND_BYTES:
        return this.#bytesField(end);
      default:
        return this.#number(field.kind);
    }
  }

  /** A sub-message that appears twice is merged, as the specification asks. */
  #merge(message: AnyMessage, field: FieldType, end: number, depth: number): AnyMessage {
    const inner = this.#schema.type(field.messageIndex);
    const length = this.#length(end);
    const existing = message[field.name] as AnyMessage | undefined;
    if (existing === undefined && ++this.#elements > MAX_ELEMENTS) throw this.#tooMany();
    const target = existing ?? (Object.create(inner.fallbacks) as AnyMessage);
    return this.message(inner, target, this.#position + length, depth + 1);
  }

  #mapEntry(type: MessageType, message: AnyMessage, field: FieldType, end: number, depth: number): void {
    if (++this.#mapEntries > MAX_MAP_ENTRIES)
      throw new ProtobufError('limit', `${type.name}.${field.name}: ${MAP_LIMIT_TEXT}`);
    if (depth >= MAX_DEPTH) throw new ProtobufError('limit', `${type.name}: nested deeper than ${MAX_DEPTH}`);
    const length = this.#length(end);
    const entryEnd = this.#position + length;
    let key = '';
    let value: unknown = undefined;
    while (this.#position < entryEnd) {
      const tag = this.#tag();
      if (tag === 10) key = this.#string(type, field, entryEnd);
      else if (tag >>> 3 === 2 && (tag & 7) === (isLengthDelimited(field.kind) ? 2 : 0)) {
        value = this.#value(type, field, entryEnd, depth + 1);
      } else this.#skip(tag, entryEnd, depth + 1);
    }
    if (this.#position !== entryEnd) throw malformed(`${type.name}.${field.name}: entry runs past its end`);
    let map = message[field.name] as Map<string, unknown>;
    if (map === (EMPTY_MAP as unknown)) {
      map = new Map();
      message[field.name] = map;
    }
    map.set(key, value ?? absentMapValue(this.#schema, field));
  }

  #packed(message: AnyMessage, field: FieldType, end: number): void {
    const length = this.#length(end);
    const listEnd = this.#position + length;
    if (listEnd === this.#position) return;
    const list = listOf(message, field);
    while (this.#position < listEnd) {
      if (++this.#elements > MAX_ELEMENTS) throw this.#tooMany();
      list.push(this.#number(field.kind));
    }
    if (this.#position !== listEnd) throw malformed(`${field.name}: packed list runs past its end`);
  }

  #number(kind: number): unknown {
    switch (kind) {
      case KIND_UINT32:
        return this.#varint32();
      case KIND_UINT64:
        return this.#varint64();
      case KIND_INT64:
        return BigInt.asIntN(64, this.#varint64());
      case KIND_BOOL:
        return this.#varint64() !== 0n;
      case KIND_INT32:
      case KIND_ENUM:
        return this.#varint32() | 0;
      default:
        throw new RangeError(`no number of kind ${kind}`);
    }
  }

  #string(type: MessageType, field: FieldType, end: number): string {
    const length = this.#length(end);
    if (length === 0) return '';
    const start = this.#position;
    this.#position = start + length;
    const text = decodeUtf8(this.#bytes.subarray(start, start + length));
    if (text === undefined) throw new ProtobufError('text', `${type.name}.${field.name}: not valid UTF-8`);
    if (this.#refuseNul && text.includes('\0'))
      throw new ProtobufError('text', `${type.name}.${field.name}: must not contain NUL`);
    return text;
  }

  /**
   * A view where it covers at least half of the buffer that it keeps alive, else a copy: the data of a 1 MiB CopyFile
   * is not copied, and a few bytes never pin a 4 MiB frame.
   */
  #bytesField(end: number): Uint8Array {
    const length = this.#length(end);
    if (length === 0) return NO_BYTES;
    const start = this.#position;
    this.#position = start + length;
    const view = this.#bytes.subarray(start, start + length);
    // Not `slice`: on the host the input may be a Buffer, whose `slice` is a view.
    return length * 2 >= view.buffer.byteLength ? view : new Uint8Array(view);
  }

  /** Reads a tag and counts it. */
  #tag(): number {
    if (++this.#fields > MAX_FIELDS) throw new ProtobufError('limit', `more than ${MAX_FIELDS} fields`);
    const first = this.#bytes[this.#position] as number;
    if (first < 0x80 && first >= 8) {
      this.#position += 1;
      return first;
    }
    const tag = this.#longVarint();
    if (tag > 0xffff_ffff) throw malformed('tag is longer than 32 bits');
    if (tag < 8) throw malformed('field number 0');
    return tag;
  }

  /** Reads a length and checks it against the end of the enclosing message. */
  #length(end: number): number {
    const first = this.#bytes[this.#position] as number;
    let length = first;
    if (first < 0x80) this.#position += 1;
    else length = this.#longVarint();
    if (!(length <= end - this.#position))
      throw malformed(`length ${length} exceeds the ${Math.max(0, end - this.#position)} bytes left`);
    return length;
  }

  /** A varint as a float: exact up to 2^53, and large enough beyond for any comparison. */
  #longVarint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw malformed('varint is longer than 10 bytes');
  }

  /** Low 32 bits of a varint, unsigned. */
  #varint32(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 70; shift += 7) {
      const byte = this.#byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed('varint is longer than 10 bytes');
  }

  /** Low 64 bits of a varint, unsigned. */
  #varint64(): bigint {
    let low = this.#byte();
    if (low < 0x80) return BigInt(low);
    low &= 0x7f;
    let middle = 0;
    let high = 0;
    for (let shift = 7; shift < 70; shift += 7) {
      const byte = this.#byte();
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift < 56) middle |= (byte & 0x7f) << (shift - 28);
      else high |= (byte & 0x7f) << (shift - 56);
      if (byte < 0x80) {
        if (shift < 49) return BigInt(low + middle * 0x1000_0000);
        return BigInt.asUintN(64, BigInt(low) | (BigInt(middle) << 28n) | (BigInt(high) << 56n));
      }
    }
    throw malformed('varint is longer than 10 bytes');
  }

  #byte(): number {
    if (this.#position >= this.#bytes.length) throw malformed('message is cut short');
    return this.#bytes[this.#position++] as number;
  }

  /** Steps over the value of an unknown field. Groups are walked without recursion. */
  #skip(tag: number, end: number, depth: number): void {
    const open: number[] = [];
    for (let current = tag; ; current = this.#tag()) {
      switch (current & 7) {
        case 0:
          this.#varint32();
          break;
        case 1:
          this.#position += 8;
          break;
        case 2: {
          // Not `+=`: that reads the position before the length moves it.
          const length = this.#length(end);
          this.#position += length;
          break;
        }
        case 3:
          open.push(current >>> 3);
          if (open.length + depth > MAX_DEPTH)
            throw new ProtobufError('limit', `groups nested deeper than ${MAX_DEPTH}`);
          break;
        case 4:
          if (open.pop() !== current >>> 3) throw malformed('end of a group that is not open');
          break;
        case 5:
          this.#position += 4;
          break;
        default:
          throw malformed(`wire type ${current & 7}`);
      }
      if (this.#position > end) throw malformed('unknown field runs past the end of its message');
      if (open.length === 0) return;
      if (this.#position === end) throw malformed('group is not closed');
    }
  }

  #tooMany(): ProtobufError {
    return new ProtobufError('limit', `more than ${MAX_ELEMENTS} elements`);
  }
}

function isLengthDelimited(kind: number): boolean {
  return kind === KIND_STRING || kind === KIND_MESSAGE || kind === KIND_BYTES;
}

function listOf(message: AnyMessage, field: FieldType): unknown[] {
  const list = message[field.name] as unknown[];
  if (list !== (EMPTY_LIST as unknown)) return list;
  const fresh: unknown[] = [];
  message[field.name] = fresh;
  return fresh;
}

/** The value of a map entry that carries only a key. */
function absentMapValue(schema: Schema, field: FieldType): unknown {
  switch (field.kind) {
    case KIND_MESSAGE:
      return Object.create(schema.type(field.messageIndex).fallbacks);
    case KIND_STRING:
      return '';
    case KIND_BYTES:
      return NO_BYTES;
    case KIND_BOOL:
      return false;
    case KIND_UINT64:
    case KIND_INT64:
      return 0n;
    default:
      return 0;
  }
}

/**
 * Decodes `bytes` as the message `index` of `schema`. Throws `ProtobufError`, and nothing else, on bytes that are not such a
 * message. The result may keep a view of `bytes`, which therefore must not be reused.
 */
export function decodeMessage(schema: Schema, index: number, bytes: Uint8Array, options: DecodeOptions): AnyMessage {
  const type = schema.type(index);
  const message = Object.create(type.fallbacks) as AnyMessage;
  return new Decoder(schema, bytes, options.refuseNul === true).message(type, message, bytes.length, 1);
}
