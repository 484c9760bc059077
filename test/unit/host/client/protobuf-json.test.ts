import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonFieldError, messageFromJson, messageToJson } from '../../../../host/client/protobuf-json.ts';
import {
  CreateContainerRequest,
  schema,
  StatsContainerResponse,
  WriteStreamRequest,
} from '../../../../proto/gen/agent.js';

function viaWire(codec: typeof CreateContainerRequest, json: unknown): unknown {
  const message = messageFromJson(codec.schema, codec.type, json);
  return messageToJson(codec.schema, codec.type, codec.decode(codec.encode(message)));
}

describe('messageFromJson and messageToJson', () => {
  test('nested messages, lists, maps and large numbers survive the way over the wire', () => {
    const json = {
      container_id: 'c1',
      OCI: {
        Process: {
          Args: ['/bin/sh'],
          Rlimits: [{ Type: 'RLIMIT_NOFILE', Hard: '18446744073709551615', Soft: '1024' }],
          User: { UID: 7, AdditionalGids: [1, 2] },
        },
        Annotations: { __proto__x: 'y', a: 'b' },
      },
      sandbox_pidns: true,
    };
    expect(viaWire(CreateContainerRequest, json)).toEqual(json);
  });

  test('bytes are base64', () => {
    const { type } = WriteStreamRequest;
    expect(messageFromJson(schema, type, { data: 'AAEC' })).toEqual({ data: Buffer.from([0, 1, 2]) });
    expect(messageToJson(schema, type, { data: new Uint8Array([0, 1, 2]) })).toEqual({ data: 'AAEC' });
  });

  test('maps of 64-bit numbers come out as decimal text', () => {
    const stats = { cgroup_stats: { memory_stats: { stats: new Map([['anon', 5n]]) } } };
    expect(messageToJson(schema, StatsContainerResponse.type, stats)).toEqual({
      cgroup_stats: { memory_stats: { stats: { anon: '5' } } },
    });
  });

  test.each([
    [{ container: 'c1' }, 'CreateContainerRequest.container: is none of'],
    [{ container_id: 5 }, 'CreateContainerRequest.container_id: must be text'],
    [{ OCI: 'x' }, 'CreateContainerRequest.OCI: must be an object'],
    [{ storages: {} }, 'CreateContainerRequest.storages: must be a list'],
    [{ OCI: { Process: { Rlimits: [{ Hard: 1.5 }] } } }, 'OCI.Process.Rlimits[0].Hard: must be a whole number'],
    [{ sandbox_pidns: 'yes' }, 'sandbox_pidns: must be true or false'],
    [[], 'CreateContainerRequest: must be an object'],
    [null, 'CreateContainerRequest: must be an object'],
  ])('%j is refused with the name of the field', (json, message) => {
    expect(() => messageFromJson(schema, CreateContainerRequest.type, json)).toThrow(message);
  });

  test('any JSON gives a message or a JsonFieldError, never anything else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        try {
          messageFromJson(schema, CreateContainerRequest.type, json);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonFieldError);
        }
      }),
    );
  });
});
