import fc from 'fast-check';
import type { FieldType, Schema } from '../../../agent/src/codec/protobuf/schema.ts';
import {
  KIND_BOOL,
  KIND_BYTES,
  KIND_INT64,
  KIND_MESSAGE,
  KIND_STRING,
  KIND_UINT32,
  KIND_UINT64,
} from '../../../agent/src/codec/protobuf/schema.ts';

/** Texts for a field, by its name; undefined for any text. */
export type TextPools = Readonly<Record<string, readonly string[] | undefined>>;

const MAX_DEPTH = 6;

/** Any well-formed text, and often one that a check looks for. */
function textArbitrary(field: FieldType, pools: TextPools): fc.Arbitrary<string> {
  const odd = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 6 }).map((text) => text.toWellFormed()),
  );
  const pool = pools[field.name];
  return pool === undefined
    ? odd
    : fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...pool) }, { weight: 1, arbitrary: odd });
}

function valueArbitrary(schema: Schema, field: FieldType, pools: TextPools, depth: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case KIND_MESSAGE:
      return messageArbitrary(schema, field.messageIndex, pools, depth + 1);
    case KIND_STRING:
      return textArbitrary(field, pools);
    case KIND_BYTES:
      return fc.uint8Array({ maxLength: 8 });
    case KIND_INT64:
      return fc.oneof(fc.bigInt({ min: -2n, max: 2000n }), fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }));
    case KIND_UINT64:
      return fc.oneof(fc.bigInt({ min: 0n, max: 2000n }), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));
    case KIND_BOOL:
      return fc.boolean();
    case KIND_UINT32:
      return fc.oneof(fc.nat({ max: 1100 }), fc.integer({ min: 0, max: 0xffff_ffff }));
    default:
      return fc.integer();
  }
}

/** A message of type `index`, as it may be given to `encode`, with any of its fields left out. */
export function messageArbitrary(
  schema: Schema,
  index: number,
  pools: TextPools = {},
  depth = 0,
): fc.Arbitrary<Record<string, unknown>> {
  if (depth > MAX_DEPTH) return fc.constant({});
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of schema.type(index).fields) {
    const value = valueArbitrary(schema, field, pools, depth);
    if (field.label === 'repeated') fields[field.name] = fc.array(value, { maxLength: 3, depthIdentifier: 'list' });
    else if (field.label === 'map')
      fields[field.name] = fc
        .array(fc.tuple(textArbitrary(field, pools), value), { maxLength: 3 })
        .map((entries) => new Map(entries));
    else fields[field.name] = value;
  }
  return fc.record(fields, { requiredKeys: [] });
}
