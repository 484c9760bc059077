import protobuf from 'protobufjs';
import { labelOf } from './load.ts';

const SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  uint32: 'number',
  uint64: 'bigint',
  int64: 'bigint',
  bool: 'boolean',
  bytes: 'Uint8Array',
  int32: 'number',
};

function valueType(field: protobuf.Field): string {
  if (field.resolvedType instanceof protobuf.Type) return field.resolvedType.name;
  // Enums are open: an unknown number must survive.
  if (field.resolvedType instanceof protobuf.Enum) return 'number';
  const scalar = SCALARS[field.type];
  if (scalar === undefined) throw new Error(`${field.fullName}: type ${field.type} is not supported`);
  return scalar;
}

function comment(text: string | null, indent: string): string {
  if (text === null || text === '') return '';
  return `${indent}/** ${text.split('\n').join(' ')} */\n`;
}

function fieldDeclaration(field: protobuf.Field): string {
  const value = valueType(field);
  const head = comment(field.comment, '  ');
  switch (labelOf(field)) {
    case 'repeated':
      return `${head}  ${field.name}: readonly ${value}[];\n`;
    case 'map':
      return `${head}  ${field.name}: ReadonlyMap<string, ${value}>;\n`;
    case 'optional':
      return `${head}  ${field.name}?: ${value} | undefined;\n`;
    case 'single':
      return field.resolvedType instanceof protobuf.Type
        ? `${head}  ${field.name}?: ${value} | undefined;\n`
        : `${head}  ${field.name}: ${value};\n`;
  }
}

/** The interface of a decoded message, and the codec of the same name. */
export function messageDeclaration(type: protobuf.Type): string {
  const fields = [...type.fieldsArray].sort((one, other) => one.id - other.id).map(fieldDeclaration);
  const body = fields.length === 0 ? '{}' : `{\n${fields.join('')}}`;
  return `${comment(type.comment, '')}export interface ${type.name} ${body}\nexport const ${type.name}: MessageCodec<${type.name}>;\n`;
}

/** The constants of an enum. */
export function enumDeclaration(type: protobuf.Enum): string {
  const values = Object.entries(type.values).map(([name, value]) => `  readonly ${name}: ${value};\n`);
  return `${comment(type.comment, '')}export const ${type.name}: {\n${values.join('')}};\n`;
}

/** The methods of one service, as a property of the `Services` interface. */
export function serviceDeclaration(service: protobuf.Service): string {
  const methods = service.methodsArray.map((method) => {
    const request = method.resolvedRequestType?.name ?? 'never';
    const response = method.resolvedResponseType?.name ?? 'never';
    return `${comment(method.comment, '    ')}    ${method.name}: { request: ${request}; response: ${response} };\n`;
  });
  return `  '${service.fullName.replace(/^\./, '')}': {\n${methods.join('')}  };\n`;
}
