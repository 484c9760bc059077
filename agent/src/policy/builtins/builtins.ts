import type { Builtin } from './builtin.ts';
import { collectionBuiltins } from './collections.ts';
import { comparisonBuiltins } from './comparison.ts';
import { encodingBuiltins } from './encodings.ts';
import { numberBuiltins } from './numbers.ts';
import { objectBuiltins } from './objects.ts';
import { regexBuiltins } from './regexes.ts';
import { stringBuiltins } from './strings.ts';
import { typeBuiltins } from './types.ts';

/** Every function of the language that exists here; a policy that names another one is refused. None has an effect or reads a clock. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  [
    collectionBuiltins,
    comparisonBuiltins,
    encodingBuiltins,
    numberBuiltins,
    objectBuiltins,
    regexBuiltins,
    stringBuiltins,
    typeBuiltins,
  ].flatMap((table) => Object.entries(table)),
);
