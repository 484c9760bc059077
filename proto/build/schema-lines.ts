import protobuf from 'protobufjs';
import { KIND_LETTERS } from '../../agent/src/codec/protobuf/schema.ts';
import { labelOf } from './load.ts';

const KINDS: Readonly<Record<string, string>> = {
  string: 's',
  uint32: 'u',
  uint64: 'U',
  int64: 'I',
  bool: 'b',
  bytes: 'y',
  int32: 'i',
};

/** The letter of a field's kind. Throws for a protobuf feature that the runtime leaves out because the API has no use for it. */
export function kindLetter(field: protobuf.Field): string {
  if (field instanceof protobuf.MapField && field.keyType !== 'string')
    throw new Error(`${field.fullName}: maps are keyed by string`);
  if (field.partOf !== null && field.partOf.fieldsArray.length > 1)
    throw new Error(`${field.fullName}: a oneof of several fields is not supported`);
  const letter =
    field.resolvedType instanceof protobuf.Type
      ? 'm'
      : field.resolvedType instanceof protobuf.Enum
        ? 'e'
        : KINDS[field.type];
  if (letter === undefined || !KIND_LETTERS.includes(letter))
    throw new Error(`${field.fullName}: type ${field.type} is not supported`);
  return letter;
}

const LABEL_MARKS = { single: '', optional: '?', repeated: '*', map: '{' } as const;

/** The line of one message, see `agent/src/codec/protobuf/schema.ts`. */
export function schemaLine(type: protobuf.Type, indexOf: (type: protobuf.Type) => number): string {
  const fields = [...type.fieldsArray].sort((one, other) => one.id - other.id);
  const texts = fields.map((field) => {
    const index = field.resolvedType instanceof protobuf.Type ? String(indexOf(field.resolvedType)) : '';
    return `${field.name}:${field.id}${kindLetter(field)}${index}${LABEL_MARKS[labelOf(field)]}`;
  });
  return [type.name, ...texts].join(' ');
}

/** Lines of all `types`, which must be closed under reference. */
export function schemaLines(types: readonly protobuf.Type[]): string[] {
  const indices = new Map(types.map((type, index) => [type, index]));
  return types.map((type) =>
    schemaLine(type, (other) => {
      const index = indices.get(other);
      if (index === undefined) throw new Error(`${type.fullName} refers to ${other.fullName}, which is not generated`);
      return index;
    }),
  );
}
