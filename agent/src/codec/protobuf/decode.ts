import { decodeUtf8 } from '../../base/text.ts';
import { MAX_DEPTH, MAX_ELEMENTS, MAX_FIELDS, MAX_MAP_ENTRIES } from './limits.ts';
import { ProtobufError } from './protobuf-error.ts';
import type { FieldType, MessageType, Schema } from './schema.ts';
import {
  ACTION_MAP,
  ACTION_MESSAGE,
  ACTION_REPEATED,
  ACTION_STRING,
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
  SCALAR_FALLBACKS,
} from './schema.ts';

export interface DecodeOptions {
  /**
   * Refuse U+0000 in every string. Strings of a request end up as C strings, where a check would see the whole and the
   * kernel the head (security case ENG-01).
   */
  readonly refuseNul?: boolean;
  /** Most fields, if not MAX_FIELDS. */
  readonly maxFields?: number;
}

/** A decoded message of any type; typed by `MessageCodec`. */
export type AnyMessage = Record<string, unknown>;

/*
 * The reader (https://protobuf.dev/programming-guides/encoding/). One pass; every read is bounded by the enclosing message, and nothing is
 * allocated by a declared length that the buffer does not hold.
 *
 * Its state is in variables of this module instead of an object: on the engine that halves the time, and decoding never calls
 * out, so two decodes cannot mix.
 */
const NO_BYTES = new Uint8Array(0);

let bytes: Uint8Array = NO_BYTES;
let position = 0;
let schema: Schema;
let refuseNul = false;
let maxFields = MAX_FIELDS;
let fieldCount = 0;
let elementCount = 0;
let mapEntryCount = 0;

function malformed(reason: string): ProtobufError {
  return new ProtobufError('malformed', reason);
}

function limit(reason: string): ProtobufError {
  return new ProtobufError('limit', reason);
}

const TOO_MANY_ELEMENTS = `more than ${MAX_ELEMENTS} elements`;

function readMessage(type: MessageType, message: AnyMessage, end: number, depth: number): AnyMessage {
  if (depth > MAX_DEPTH) throw limit(`${type.name}: nested deeper than ${MAX_DEPTH}`);
  const byNumber = type.byNumber;
  const input = bytes;
  while (position < end) {
    // Tags, lengths and strings of the common form are read in place: a call costs as much as all the rest of a field.
    let tag = input[position] as number;
    if (tag < 0x80 && tag >= 8) position += 1;
    else tag = readLongTag();
    if (++fieldCount > maxFields) throw limit(`more than ${maxFields} fields`);
    const field = byNumber[tag >>> 3];
    if (field === undefined || field.tag !== tag) {
      // A repeated number may come packed; any other disagreement makes the field an unknown one.
      if (field !== undefined && field.label === 'repeated' && (tag & 7) === 2) readPacked(message, field, end);
      else skip(tag, end, depth);
      continue;
    }
    const name = field.name;
    switch (field.action) {
      case ACTION_STRING:
        message[name] = readString(type, field, end);
        break;
      case ACTION_MESSAGE:
        // A sub-message that appears twice is merged, as the specification asks.
        message[name] = readSubMessage(field, message[name] as AnyMessage | undefined, end, depth);
        break;
      case ACTION_REPEATED: {
        if (++elementCount > MAX_ELEMENTS) throw limit(TOO_MANY_ELEMENTS);
        const list = message[name] as unknown[];
        const value = readValue(type, field, end, depth);
        if (list === (EMPTY_LIST as unknown)) message[name] = [value];
        else list.push(value);
        break;
      }
      case ACTION_MAP:
        readMapEntry(type, message, field, end, depth);
        break;
      default:
        message[name] = readValue(type, field, end, depth);
    }
  }
  if (position !== end) throw malformed(`${type.name}: field runs past the end of its message`);
  return message;
}

function readSubMessage(field: FieldType, existing: AnyMessage | undefined, end: number, depth: number): AnyMessage {
  const type = schema.type(field.messageIndex);
  const length = readLength(end);
  if (existing === undefined && ++elementCount > MAX_ELEMENTS) throw limit(TOO_MANY_ELEMENTS);
  return readMessage(type, existing ?? (Object.create(type.fallbacks) as AnyMessage), position + length, depth + 1);
}

function readValue(type: MessageType, field: FieldType, end: number, depth: number): unknown {
  const kind = field.kind;
  if (kind === KIND_STRING) return readString(type, field, end);
  if (kind === KIND_MESSAGE) {
    // The element was counted as one of the list or the map.
    const inner = schema.type(field.messageIndex);
    const length = readLength(end);
    return readMessage(inner, Object.create(inner.fallbacks) as AnyMessage, position + length, depth + 1);
  }
  if (kind === KIND_BYTES) return readBytes(end);
  return readNumber(kind);
}

function readMapEntry(type: MessageType, message: AnyMessage, field: FieldType, end: number, depth: number): void {
  if (++mapEntryCount > MAX_MAP_ENTRIES)
    throw limit(`${type.name}.${field.name}: more than ${MAX_MAP_ENTRIES} map entries`);
  if (depth >= MAX_DEPTH) throw limit(`${type.name}: nested deeper than ${MAX_DEPTH}`);
  const length = readLength(end);
  const entryEnd = position + length;
  const kind = field.kind;
  const valueTag = kind === KIND_STRING || kind === KIND_MESSAGE || kind === KIND_BYTES ? 0x12 : 0x10;
  let key = '';
  let value: unknown = undefined;
  while (position < entryEnd) {
    const tag = readTag();
    if (tag === 0x0a) key = readString(type, field, entryEnd);
    else if (tag === valueTag) value = readValue(type, field, entryEnd, depth + 1);
    else skip(tag, entryEnd, depth + 1);
  }
  if (position !== entryEnd) throw malformed(`${type.name}.${field.name}: entry runs past its end`);
  let map = message[field.name] as Map<string, unknown>;
  if (map === (EMPTY_MAP as unknown)) {
    map = new Map();
    message[field.name] = map;
  }
  map.set(key, value ?? absentMapValue(field));
}

/** The value of a map entry that carries only a key. */
function absentMapValue(field: FieldType): unknown {
  return field.kind === KIND_MESSAGE
    ? Object.create(schema.type(field.messageIndex).fallbacks)
    : SCALAR_FALLBACKS[field.kind];
}

function readPacked(message: AnyMessage, field: FieldType, end: number): void {
  const length = readLength(end);
  if (length === 0) return;
  const listEnd = position + length;
  const existing = message[field.name] as unknown[];
  const list = existing === (EMPTY_LIST as unknown) ? [] : existing;
  while (position < listEnd) {
    if (++elementCount > MAX_ELEMENTS) throw limit(TOO_MANY_ELEMENTS);
    list.push(readNumber(field.kind));
  }
  if (position !== listEnd) throw malformed(`${field.name}: packed list runs past its end`);
  message[field.name] = list;
}

function readNumber(kind: number): unknown {
  switch (kind) {
    case KIND_UINT32:
      return readVarint32();
    case KIND_UINT64:
      return readVarint64();
    case KIND_INT64:
      return BigInt.asIntN(64, readVarint64());
    case KIND_BOOL:
      return readVarint64() !== 0n;
    case KIND_INT32:
    case KIND_ENUM:
      return readVarint32() | 0;
    default:
      throw new RangeError(`no number of kind ${kind}`);
  }
}

function readString(type: MessageType, field: FieldType, end: number): string {
  let length = bytes[position] as number;
  if (length < 0x80 && length < end - position) position += 1;
  else length = readLength(end);
  if (length === 0) return '';
  const start = position;
  position = start + length;
  const text = decodeUtf8(bytes, start, position);
  if (text === undefined) throw new ProtobufError('text', `${type.name}.${field.name}: not valid UTF-8`);
  if (refuseNul && text.includes('\0'))
    throw new ProtobufError('text', `${type.name}.${field.name}: must not contain NUL`);
  return text;
}

/**
 * A view where it covers at least half of the buffer that it keeps alive, else a copy: the data of a 1 MiB CopyFile is not
 * copied, and a few bytes never pin a 4 MiB frame.
 */
function readBytes(end: number): Uint8Array {
  const length = readLength(end);
  if (length === 0) return NO_BYTES;
  const start = position;
  position = start + length;
  const view = bytes.subarray(start, position);
  // Not `slice`: on the host the input may be a Buffer, whose `slice` is a view.
  return length * 2 >= view.buffer.byteLength ? view : new Uint8Array(view);
}

/** Reads a tag and counts it. */
function readTag(): number {
  if (++fieldCount > maxFields) throw limit(`more than ${maxFields} fields`);
  const first = bytes[position] as number;
  if (first < 0x80 && first >= 8) {
    position += 1;
    return first;
  }
  return readLongTag();
}

function readLongTag(): number {
  const tag = readLongVarint();
  if (tag > 0xffff_ffff) throw malformed('tag is longer than 32 bits');
  if (tag < 8) throw malformed('field number 0');
  return tag;
}

/** Reads a length and checks it against the end of the enclosing message. */
function readLength(end: number): number {
  let length = bytes[position] as number;
  if (length < 0x80) position += 1;
  else length = readLongVarint();
  if (length > end - position)
    throw malformed(`length ${length} exceeds the ${Math.max(0, end - position)} bytes left`);
  return length;
}

/** A varint as a float: exact up to 2^53, and large enough beyond for any comparison. */
function readLongVarint(): number {
  const input = bytes;
  const last = position + 10;
  const end = Math.min(input.length, last);
  let value = 0;
  for (let scale = 1; position < end; scale *= 128) {
    const byte = input[position++] as number;
    if (byte < 0x80) return value + byte * scale;
    value += (byte & 0x7f) * scale;
  }
  throw malformed(end < last ? 'message is cut short' : 'varint is longer than 10 bytes');
}

/** Low 32 bits of a varint, unsigned. */
function readVarint32(): number {
  const first = readByte();
  if (first < 0x80) return first;
  let value = first & 0x7f;
  for (let shift = 7; shift < 70; shift += 7) {
    const byte = readByte();
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
  throw malformed('varint is longer than 10 bytes');
}

/** Low 64 bits of a varint, unsigned. */
function readVarint64(): bigint {
  const start = position;
  const value = readLongVarint();
  if (value <= Number.MAX_SAFE_INTEGER) return BigInt(value);
  let exact = 0n;
  for (let index = position; index-- > start;) exact = (exact << 7n) | BigInt((bytes[index] as number) & 0x7f);
  return BigInt.asUintN(64, exact);
}

function readByte(): number {
  if (position >= bytes.length) throw malformed('message is cut short');
  return bytes[position++] as number;
}

/** Steps over the value of an unknown field. Groups are walked without recursion. */
function skip(tag: number, end: number, depth: number): void {
  const open: number[] = [];
  for (let current = tag; ; current = readTag()) {
    switch (current & 7) {
      case 0:
        readVarint32();
        break;
      case 1:
        position += 8;
        break;
      case 2: {
        // Not `+=`: that reads the position before the length moves it.
        const length = readLength(end);
        position += length;
        break;
      }
      case 3:
        open.push(current >>> 3);
        if (open.length + depth > MAX_DEPTH) throw limit(`groups nested deeper than ${MAX_DEPTH}`);
        break;
      case 4:
        if (open.pop() !== current >>> 3) throw malformed('end of a group that is not open');
        break;
      case 5:
        position += 4;
        break;
      default:
        throw malformed(`wire type ${current & 7}`);
    }
    if (position > end) throw malformed('unknown field runs past the end of its message');
    if (open.length === 0) return;
    if (position === end) throw malformed('group is not closed');
  }
}

/**
 * Decodes `input` as the message `index` of `inSchema`. Throws `ProtobufError`, and nothing else, on bytes that are not such a
 * message. The result may keep a view of `input`, which therefore must not be reused.
 */
export function decodeMessage(inSchema: Schema, index: number, input: Uint8Array, options: DecodeOptions): AnyMessage {
  const type = inSchema.type(index);
  schema = inSchema;
  bytes = input;
  position = 0;
  refuseNul = options.refuseNul === true;
  maxFields = options.maxFields ?? MAX_FIELDS;
  fieldCount = 0;
  elementCount = 0;
  mapEntryCount = 0;
  try {
    return readMessage(type, Object.create(type.fallbacks) as AnyMessage, input.length, 1);
  } finally {
    // The input must not stay alive until the next call.
    bytes = NO_BYTES;
  }
}
