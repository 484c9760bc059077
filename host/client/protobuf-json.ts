import type { MessageType, Schema } from '../../agent/src/codec/protobuf/schema.ts';
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
  type FieldType,
} from '../../agent/src/codec/protobuf/schema.ts';

/** JSON that does not fit the message. */
export class JsonFieldError extends Error {
  override readonly name = 'JsonFieldError';

  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A message from its JSON form: fields by their name in the .proto file, 64-bit numbers as number or decimal text, bytes as
 * base64, maps as objects, enums by number (the protobuf JSON mapping, with the original names).
 *
 * @throws JsonFieldError naming the field
 */
export function messageFromJson(schema: Schema, type: MessageType, json: unknown, path = type.name): object {
  if (!isObject(json)) throw new JsonFieldError(path, 'must be an object');
  const message: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    const field = type.fields.find((one) => one.name === name);
    if (field === undefined) {
      const known = type.fields.map((one) => one.name).join(', ');
      throw new JsonFieldError(`${path}.${name}`, known === '' ? 'the message has no fields' : `is none of ${known}`);
    }
    if (value !== null) message[name] = fieldFromJson(schema, field, value, `${path}.${name}`);
  }
  return message;
}

function fieldFromJson(schema: Schema, field: FieldType, value: unknown, path: string): unknown {
  if (field.label === 'repeated') {
    if (!Array.isArray(value)) throw new JsonFieldError(path, 'must be a list');
    return value.map((one: unknown, index) => valueFromJson(schema, field, one, `${path}[${index}]`));
  }
  if (field.label === 'map') {
    if (!isObject(value)) throw new JsonFieldError(path, 'must be an object');
    const entries = Object.entries(value);
    return new Map(entries.map(([key, one]) => [key, valueFromJson(schema, field, one, `${path}.${key}`)]));
  }
  return valueFromJson(schema, field, value, path);
}

function valueFromJson(schema: Schema, field: FieldType, value: unknown, path: string): unknown {
  switch (field.kind) {
    case KIND_MESSAGE:
      return messageFromJson(schema, schema.type(field.messageIndex), value, path);
    case KIND_STRING:
      if (typeof value === 'string') return value;
      throw new JsonFieldError(path, 'must be text');
    case KIND_BOOL:
      if (typeof value === 'boolean') return value;
      throw new JsonFieldError(path, 'must be true or false');
    case KIND_BYTES:
      if (typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)) return Buffer.from(value, 'base64');
      throw new JsonFieldError(path, 'must be base64 text');
    case KIND_INT64:
    case KIND_UINT64:
      if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
      if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
      throw new JsonFieldError(path, 'must be a whole number, as text when it is large');
    case KIND_INT32:
    case KIND_UINT32:
    case KIND_ENUM:
      if (typeof value === 'number' && Number.isInteger(value)) return value;
      throw new JsonFieldError(path, 'must be a whole number');
    default:
      throw new JsonFieldError(path, `has a kind that is not known here (${field.kind})`);
  }
}

/** The JSON form of a decoded message; fields that were not on the wire are left out. */
export function messageToJson(schema: Schema, type: MessageType, message: object): JsonObject {
  const json: Record<string, unknown> = {};
  for (const field of type.fields) {
    if (!Object.hasOwn(message, field.name)) continue;
    const value = (message as JsonObject)[field.name];
    if (field.label === 'repeated') {
      json[field.name] = (value as readonly unknown[]).map((one) => valueToJson(schema, field, one));
    } else if (field.label === 'map') {
      const entries = [...(value as ReadonlyMap<string, unknown>)];
      json[field.name] = Object.fromEntries(entries.map(([key, one]) => [key, valueToJson(schema, field, one)]));
    } else if (value !== undefined) {
      json[field.name] = valueToJson(schema, field, value);
    }
  }
  return json;
}

function valueToJson(schema: Schema, field: FieldType, value: unknown): unknown {
  if (field.kind === KIND_MESSAGE) return messageToJson(schema, schema.type(field.messageIndex), value as object);
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}
