import { isNumber, parseNumber } from '../value/number.ts';
import { typeName } from '../value/value.ts';
import type { TypeName, Value } from '../value/value.ts';
import { builtin } from './builtin.ts';
import type { Builtin, BuiltinTable } from './builtin.ts';

/** True or false; a value of another type is no error. */
function isOfType(name: TypeName): Builtin {
  return builtin(1, (value) => typeName(value) === name);
}

/** As in JSON: no leading zeros, no plus sign. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/;

function toNumber(value: Value): Value | undefined {
  if (isNumber(value)) return value;
  if (value === null) return 0;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || value.length > 400 || !NUMBER.test(value)) return undefined;
  return parseNumber(value);
}

export const typeBuiltins: BuiltinTable = {
  is_null: isOfType('null'),
  is_boolean: isOfType('boolean'),
  is_number: isOfType('number'),
  is_string: isOfType('string'),
  is_array: isOfType('array'),
  is_object: isOfType('object'),
  is_set: isOfType('set'),
  type_name: builtin(1, (value) => typeName(value)),
  to_number: builtin(1, (value) => toNumber(value)),
};
