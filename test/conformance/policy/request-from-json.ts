import type { MessageType, Schema } from '../../../agent/src/codec/protobuf/schema.ts';
import { KIND_BYTES, KIND_INT64, KIND_MESSAGE, KIND_UINT64 } from '../../../agent/src/codec/protobuf/schema.ts';
import { requestInput } from '../../../agent/src/policy/request-input.ts';
import { fromJson } from '../../../agent/src/policy/value/from-json.ts';
import type { Value } from '../../../agent/src/policy/value/value.ts';
import { services } from '../../../proto/gen/services.js';

type Json = Readonly<Record<string, unknown>>;

const COPY_FILE: Json = {
  path: '',
  file_type: 'Unknown',
  symlink_target: null,
  file_size: 0,
  file_mode: 0,
  dir_mode: 0,
  uid: 0,
  gid: 0,
  offset: 0,
};

/** The input of a recorded request: through our own message types, which say what a field that is not in the record is. */
export function inputFromRecord(kind: string, record: Json): Value {
  if (kind === 'CopyFileRequest') return fromJson({ ...COPY_FILE, ...record }) ?? null;
  for (const method of services.methods('grpc.AgentService')) {
    const codec = services.find('grpc.AgentService', method)?.request;
    if (codec?.type.name === kind)
      return requestInput(codec.schema, codec.type, messageFrom(codec.schema, codec.type, record));
  }
  throw new Error(`no request ${kind}`);
}

function messageFrom(schema: Schema, type: MessageType, json: Json): object {
  const message = Object.create(type.fallbacks) as Record<string, unknown>;
  for (const field of type.fields) {
    const name = field.name === 'type' ? 'type_' : field.name;
    const value = json[name];
    if (value === undefined || value === null) continue;
    const single = (item: unknown): unknown => {
      if (field.kind === KIND_MESSAGE) return messageFrom(schema, schema.type(field.messageIndex), item as Json);
      if (field.kind === KIND_INT64 || field.kind === KIND_UINT64) return BigInt(item as number);
      return field.kind === KIND_BYTES ? Uint8Array.from(item as number[]) : item;
    };
    if (field.label === 'repeated') message[field.name] = (value as unknown[]).map(single);
    else if (field.label === 'map')
      message[field.name] = new Map(Object.entries(value).map(([key, item]) => [key, single(item)]));
    else message[field.name] = single(value);
  }
  return message;
}
