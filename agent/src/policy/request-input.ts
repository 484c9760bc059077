/**
 * Requests as policies see them: an object with every field of the message under its name in the .proto file. What is absent is there too: null
 * for a message, the empty value for the rest. Two names differ from the .proto file, as in Kata's agent, which is written in Rust:
 * `type` is `type_`, and `errnoret` of a system call rule is the alternative `ErrnoRet`.
 */
import { decodeUtf8 } from '../base/text.ts';
import type { FieldType, MessageType, Schema } from '../codec/protobuf/schema.ts';
import { KIND_BYTES, KIND_INT64, KIND_MESSAGE, KIND_UINT64 } from '../codec/protobuf/schema.ts';
import { spendCreated } from './fuel.ts';
import { MAX_BYTES_AS_ARRAY } from './limits.ts';
import { EvaluationError } from './policy-error.ts';
import { fromBigint } from './value/number.ts';
import { Deferred, objectOf, objectOfStrings } from './value/rego-object.ts';
import type { RegoObject, Value } from './value/value.ts';

const S_IFMT = 0o170000;
/** What the type bits of a file's mode are called. */
const FILE_TYPES: ReadonlyMap<number, string> = new Map([
  [0o100000, 'Regular'],
  [0o040000, 'Directory'],
  [0o120000, 'Symlink'],
]);

/** The input of a request's rule. `type` is that of the message. */
export function requestInput(schema: Schema, type: MessageType, request: object): Value {
  return type.name === 'CopyFileRequest' ? copyFileInput(request as CopyFile) : messageValue(schema, type, request);
}

function messageValue(schema: Schema, type: MessageType, message: object): RegoObject {
  const values = new Map<string, Value | Deferred>();
  const fields = message as Readonly<Record<string, unknown>>;
  for (const field of type.fields) {
    const value = fieldValue(schema, field, fields[field.name]);
    if (field.name === 'errnoret') values.set('ErrnoRet', value === null ? null : objectOf([['Errnoret', value]]));
    else values.set(field.name === 'type' ? 'type_' : field.name, value);
  }
  return objectOfStrings(values);
}

function fieldValue(schema: Schema, field: FieldType, value: unknown): Value | Deferred {
  switch (field.label) {
    case 'repeated': {
      const items = value as readonly unknown[];
      spendCreated(items.length);
      return items.map((item) => forced(singleValue(schema, field, item)));
    }
    case 'map': {
      const entries = value as ReadonlyMap<string, unknown>;
      spendCreated(entries.size);
      const values = new Map<string, Value | Deferred>();
      for (const [key, item] of entries) values.set(key, singleValue(schema, field, item));
      return objectOfStrings(values);
    }
    default:
      return value === undefined ? null : singleValue(schema, field, value);
  }
}

function forced(value: Value | Deferred): Value {
  return value instanceof Deferred ? value.force() : value;
}

function singleValue(schema: Schema, field: FieldType, value: unknown): Value | Deferred {
  switch (field.kind) {
    case KIND_MESSAGE:
      return messageValue(schema, schema.type(field.messageIndex), value as object);
    case KIND_UINT64:
    case KIND_INT64:
      return fromBigint(value as bigint);
    case KIND_BYTES:
      return new Deferred(() => bytesValue(value as Uint8Array));
    default:
      return value as string | number | boolean;
  }
}

/** Bytes are a list of numbers. Throws EvaluationError for more than a policy could look at. */
function bytesValue(bytes: Uint8Array): Value {
  if (bytes.length > MAX_BYTES_AS_ARRAY)
    throw new EvaluationError(`the request has ${bytes.length} bytes, a policy can look at ${MAX_BYTES_AS_ARRAY}`);
  spendCreated(bytes.length);
  return [...bytes];
}

interface CopyFile {
  readonly path: string;
  readonly file_size: bigint;
  readonly file_mode: number;
  readonly dir_mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly offset: bigint;
  readonly data: Uint8Array;
}

/** Without the data, and with what its rules ask for: the type of the file, and where a link leads. */
function copyFileInput(request: CopyFile): Value {
  const fileType = FILE_TYPES.get(request.file_mode & S_IFMT) ?? 'Unknown';
  return objectOf([
    ['path', request.path],
    ['file_type', fileType],
    ['symlink_target', fileType === 'Symlink' ? linkTarget(request.data) : null],
    ['file_size', fromBigint(request.file_size)],
    ['file_mode', request.file_mode],
    ['dir_mode', request.dir_mode],
    ['uid', request.uid],
    ['gid', request.gid],
    ['offset', fromBigint(request.offset)],
  ]);
}

/** Throws EvaluationError for a target that is not UTF-8: a policy could not tell it from another. */
function linkTarget(data: Uint8Array): string {
  const target = decodeUtf8(data);
  if (target === undefined) throw new EvaluationError('the target of the link is not UTF-8');
  return target;
}
