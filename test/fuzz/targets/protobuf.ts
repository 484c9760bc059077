import fc from 'fast-check';
import { MessageCodec } from '../../../agent/src/codec/protobuf/message-codec.ts';
import { ProtobufError } from '../../../agent/src/codec/protobuf/protobuf-error.ts';
import { JsonFieldError, messageFromJson, messageToJson } from '../../../host/client/protobuf-json.ts';
import { schema } from '../../../proto/gen/agent.js';
import { promise } from '../support/decoder.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { fuzzTarget } from '../support/fuzz-target.ts';
import { applyMutation, type Mutation } from '../support/mutation.ts';
import { messageArbitrary } from './arbitrary-message.ts';
import { messageTypeCount } from './message-types.ts';
import { reread } from './wire-decoders.ts';

const typeCount = messageTypeCount(schema);
const types = Array.from({ length: typeCount }, (_, index) => messageArbitrary(schema, index));
const anyMessage = fc
  .nat({ max: typeCount - 1 })
  .chain((index) => types[index]!.map((message) => ({ codec: new MessageCodec(schema, index), message })));

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const mutation: fc.Arbitrary<Mutation> = fc.record({ kind: uint32, at: uint32, size: uint32, value: uint32 });

const validAndMutated = fuzzTarget({
  name: 'protobuf-structured',
  input: fc.tuple(anyMessage, fc.array(mutation, { maxLength: 4 })),
  errors: [],
  run: ([{ codec, message }, mutations]) => {
    const written = codec.encode(message);
    const again = codec.encode(codec.decode(written));
    promise(`${codec.type.name} survives`, Buffer.compare(written, again) === 0);
    let bytes = written;
    for (const one of mutations) {
      bytes = applyMutation(bytes, one, [written]);
      reread(codec, bytes);
    }
  },
});

const jsonForm = fuzzTarget({
  name: 'protobuf-json',
  input: anyMessage,
  errors: [],
  run: ({ codec, message }) => {
    const jsonOf = (bytes: Uint8Array): string =>
      JSON.stringify(messageToJson(schema, codec.type, codec.decode(bytes)));
    const json = jsonOf(codec.encode(message));
    // Compared as JSON, since an object does not keep the order of a map's entries.
    const again = jsonOf(codec.encode(messageFromJson(schema, codec.type, JSON.parse(json))));
    promise(`${codec.type.name} survives as JSON`, json === again);
  },
});

const anyJson = fc.nat({ max: typeCount - 1 }).chain((index) => {
  const names = schema.type(index).fields.map((field) => field.name);
  const known = names.length === 0 ? fc.string() : fc.constantFrom(...names);
  const object = fc.dictionary(
    fc.oneof({ weight: 8, arbitrary: known }, { weight: 1, arbitrary: fc.string() }),
    fc.jsonValue(),
    { maxKeys: 4 },
  );
  return fc.tuple(
    fc.constant(index),
    fc.oneof({ weight: 5, arbitrary: object }, { weight: 1, arbitrary: fc.jsonValue() }),
  );
});

const wrongJson = fuzzTarget({
  name: 'protobuf-wrong-json',
  input: anyJson,
  errors: [JsonFieldError, ProtobufError],
  run: ([index, json]) => {
    const codec = new MessageCodec(schema, index);
    codec.encode(messageFromJson(schema, codec.type, json));
  },
});

export const protobufTargets: readonly FuzzTarget[] = [validAndMutated, jsonForm, wrongJson];
