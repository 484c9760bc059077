import { describe, expect, test } from 'vitest';
import protobuf from 'protobufjs';
import recorded from './descriptor-table.json' with { type: 'json' };
import { describeProtos } from './describe.ts';
import { collect, loadProtos } from '../../../proto/build/load.ts';
import { schemaLines } from '../../../proto/build/schema-lines.ts';
import { generate } from '../../../proto/build/generate.ts';
import { ENVELOPE_LINES } from '../../../agent/src/codec/ttrpc/envelope.ts';

describe('the .proto files', () => {
  const current = describeProtos(['agent.proto', 'health.proto', 'ttrpc.proto']);

  test.each(['fields', 'emptyMessages', 'enums', 'methods'] as const)('keep the recorded %s of API 4.1.0', (part) => {
    expect(current[part]).toEqual(recorded[part]);
  });

  test('the hand-written envelope table is that of ttrpc.proto', () => {
    expect(ENVELOPE_LINES).toEqual(schemaLines(collect(loadProtos(['ttrpc.proto']), protobuf.Type)));
  });

  test('generating twice gives the same bytes', () => {
    expect(generate()).toEqual(generate());
  });
});
