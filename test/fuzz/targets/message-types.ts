import type { FieldType, Schema } from '../../../agent/src/codec/protobuf/schema.ts';
import {
  KIND_BOOL,
  KIND_BYTES,
  KIND_INT64,
  KIND_MESSAGE,
  KIND_STRING,
  KIND_UINT64,
} from '../../../agent/src/codec/protobuf/schema.ts';

/** How many message types a schema has. */
export function messageTypeCount(schema: Schema): number {
  for (let count = 0; ; count++) {
    try {
      schema.type(count);
    } catch (error) {
      if (error instanceof RangeError) return count;
      throw error;
    }
  }
}

/** Messages refer to each other, but none of the API to itself; deeper than this nothing new appears. */
const MAX_DEPTH = 8;

function fullValue(schema: Schema, field: FieldType, depth: number): unknown {
  switch (field.kind) {
    case KIND_MESSAGE:
      return fullMessage(schema, field.messageIndex, depth + 1);
    case KIND_STRING:
      return field.name;
    case KIND_BYTES:
      return Uint8Array.of(0, 1, 0xff);
    case KIND_INT64:
    case KIND_UINT64:
      return BigInt(field.number) << 30n;
    case KIND_BOOL:
      return true;
    default:
      return field.number;
  }
}

/** A message with every field set. */
export function fullMessage(schema: Schema, index: number, depth = 0): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  if (depth > MAX_DEPTH) return message;
  for (const field of schema.type(index).fields) {
    const value = fullValue(schema, field, depth);
    if (field.label === 'repeated') message[field.name] = [value, value];
    else if (field.label === 'map') message[field.name] = new Map([[field.name, value]]);
    else message[field.name] = value;
  }
  return message;
}
