import protobuf from 'protobufjs';
import { collect, labelOf, loadProtos } from '../../../proto/build/load.ts';

/** One row of the recorded table: `message field number type label`. */
export interface DescriptorTable {
  readonly fields: readonly (readonly [message: string, field: string, number: number, type: string, label: string])[];
  readonly emptyMessages: readonly string[];
  readonly enums: readonly (readonly [name: string, value: string, number: number])[];
  readonly methods: readonly (readonly [service: string, method: string, request: string, response: string])[];
}

const bare = (object: protobuf.ReflectionObject): string => object.fullName.replace(/^\./, '');

function typeOf(field: protobuf.Field): string {
  const value = field.resolvedType === null ? field.type : bare(field.resolvedType);
  return field instanceof protobuf.MapField ? `map<${field.keyType}, ${value}>` : value;
}

/** The API that the .proto files describe, in a form that compares line by line. */
export function describeProtos(files: readonly string[]): DescriptorTable {
  const root = loadProtos(files);
  const types = collect(root, protobuf.Type);
  return {
    fields: types.flatMap((type) =>
      type.fieldsArray.map((field) => [bare(type), field.name, field.id, typeOf(field), labelOf(field)] as const),
    ),
    emptyMessages: types.filter((type) => type.fieldsArray.length === 0).map(bare),
    enums: collect(root, protobuf.Enum).flatMap((type) =>
      Object.entries(type.values).map(([name, number]) => [bare(type), name, number] as const),
    ),
    methods: collect(root, protobuf.Service).flatMap((service) =>
      service.methodsArray.map(
        (method) =>
          [
            bare(service),
            method.name,
            method.resolvedRequestType === null ? '' : bare(method.resolvedRequestType),
            method.resolvedResponseType === null ? '' : bare(method.resolvedResponseType),
          ] as const,
      ),
    ),
  };
}
