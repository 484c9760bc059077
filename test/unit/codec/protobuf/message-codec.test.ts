import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import * as api from '../../../../proto/gen/agent.js';
import { services } from '../../../../proto/gen/services.js';
import { collect, loadProtos } from '../../../../proto/build/load.ts';
import type { MessageCodec } from '../../../../agent/src/codec/protobuf/message-codec.ts';
import { MAX_DEPTH, MAX_ELEMENTS, MAX_FIELDS, MAX_MAP_ENTRIES } from '../../../../agent/src/codec/protobuf/limits.ts';
import { ProtobufError } from '../../../../agent/src/codec/protobuf/protobuf-error.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

function codecOf(name: string): MessageCodec<object> {
  return (api as unknown as Record<string, MessageCodec<object>>)[name] as MessageCodec<object>;
}

/** Any value of a message type, in the form our encoder takes. */
function arbitraryMessage(type: protobuf.Type, depth = 0): fc.Arbitrary<Record<string, unknown>> {
  const entries: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of type.fieldsArray) {
    let value: fc.Arbitrary<unknown>;
    if (field.resolvedType instanceof protobuf.Type) {
      if (depth > 4) continue;
      value = arbitraryMessage(field.resolvedType, depth + 1);
    } else if (field.resolvedType instanceof protobuf.Enum) value = fc.integer({ min: 0, max: 2 });
    else {
      const scalars: Record<string, fc.Arbitrary<unknown>> = {
        string: fc.string({ unit: 'binary', maxLength: 12 }),
        uint32: fc.nat({ max: 0xffff_ffff }),
        int32: fc.integer(),
        uint64: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        int64: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
        bool: fc.boolean(),
        bytes: fc.uint8Array({ maxLength: 12 }),
      };
      value = scalars[field.type] as fc.Arbitrary<unknown>;
    }
    if (field.map) value = fc.array(fc.tuple(fc.string(), value), { maxLength: 3 }).map((pairs) => new Map(pairs));
    else if (field.repeated) value = fc.array(value, { maxLength: 3 });
    entries[field.name] = value;
  }
  return fc.record(entries, { requiredKeys: [] });
}

/** The same value in the form that protobufjs' reflection takes. */
function toReference(type: protobuf.Type, message: Record<string, unknown>): Record<string, unknown> {
  const one = (field: protobuf.Field, value: unknown): unknown => {
    if (field.resolvedType instanceof protobuf.Type)
      return toReference(field.resolvedType, value as Record<string, unknown>);
    if (typeof value === 'bigint') {
      const bits = BigInt.asUintN(64, value);
      return { low: Number(bits & 0xffff_ffffn) | 0, high: Number(bits >> 32n) | 0, unsigned: field.type === 'uint64' };
    }
    return value;
  };
  const out: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    if (value === undefined) continue;
    if (field.map)
      out[field.name] = Object.fromEntries([...(value as Map<string, unknown>)].map(([k, v]) => [k, one(field, v)]));
    else if (field.repeated) out[field.name] = (value as unknown[]).map((element) => one(field, element));
    else out[field.name] = one(field, value);
  }
  return out;
}

/** Own fields only, with defaults removed: what must survive a round trip. */
function significant(type: protobuf.Type, message: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    const inner = field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
    const one = (item: unknown): unknown =>
      inner === undefined ? item : significant(inner, item as Record<string, unknown>);
    if (value === undefined) continue;
    if (field.map) {
      const map = value as Map<string, unknown>;
      if (map.size > 0) out[field.name] = new Map([...map].map(([k, v]) => [k, one(v)]));
    } else if (field.repeated) {
      const list = value as unknown[];
      if (list.length > 0) out[field.name] = list.map(one);
    } else if (inner !== undefined || field.partOf !== null) out[field.name] = one(value);
    else if (!(value === '' || value === 0 || value === 0n || value === false)) {
      if (!(value instanceof Uint8Array) || value.length > 0) out[field.name] = value;
    }
  }
  return out;
}

const root = loadProtos(['agent.proto', 'health.proto']);
const types = collect(root, protobuf.Type);

describe('message codecs', () => {
  test.each(types.map((type) => [type.name, type] as const))(
    '%s round-trips, and protobufjs reads the same',
    (name, type) => {
      const codec = codecOf(name);
      fc.assert(
        fc.property(arbitraryMessage(type), (message) => {
          const bytes = codec.encode(message);
          expect(significant(type, codec.decode(bytes) as Record<string, unknown>)).toEqual(significant(type, message));
          // Another implementation's bytes decode to the same value, and ours decode there.
          const reference = new Uint8Array(type.encode(toReference(type, message)).finish());
          expect(significant(type, codec.decode(reference) as Record<string, unknown>)).toEqual(
            significant(type, message),
          );
          expect(type.decode(bytes)).toEqual(type.decode(reference));
        }),
        { numRuns: 25 },
      );
    },
  );

  test('random bytes give a message or a ProtobufError, never anything else', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('CreateContainerRequest', 'StatsContainerResponse', 'MemAgentMemcgConfig'),
        (bytes, name) => {
          try {
            codecOf(name).decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtobufError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('every cut of a valid message decodes or is refused', () => {
    const bytes = api.CreateContainerRequest.encode({
      container_id: 'c1',
      OCI: {
        Process: { Args: ['sh', '-c'], Rlimits: [{ Type: 'RLIMIT_NOFILE', Hard: 1024n }] },
        Annotations: new Map([['a', 'b']]),
      },
    });
    for (let length = 0; length < bytes.length; length++) {
      try {
        api.CreateContainerRequest.decode(bytes.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(ProtobufError);
      }
    }
  });
});

describe('presence and defaults', () => {
  test('absent fields read as proto3 defaults and are not own properties', () => {
    const spec = api.Spec.decode(new Uint8Array(0));
    expect(spec.Version).toBe('');
    expect(spec.Mounts).toEqual([]);
    expect(spec.Annotations.size).toBe(0);
    expect(spec.Process).toBeUndefined();
    expect(Object.keys(spec)).toEqual([]);
    expect(Object.getPrototypeOf(Object.getPrototypeOf(spec))).toBeNull();
  });

  test('the shared empty list cannot be changed', () => {
    expect(() => (api.Spec.decode(new Uint8Array(0)).Mounts as unknown[]).push(1)).toThrow(TypeError);
  });

  test('optional scalars and the oneof member show zero and absence apart', () => {
    expect(api.MemAgentMemcgConfig.decode(hex('0800 1800')).disabled).toBe(false);
    expect(api.MemAgentMemcgConfig.decode(hex('0800 1800')).swappiness_max).toBe(0);
    expect(api.MemAgentMemcgConfig.decode(hex('0800')).swap).toBeUndefined();
    expect(api.MemAgentMemcgConfig.encode({ disabled: false, period_secs: 0n })).toEqual(hex('0800 2000'));
    expect(api.LinuxSyscall.encode({ errnoret: 0 })).toEqual(hex('1800'));
    expect(api.LinuxSyscall.encode({})).toEqual(hex(''));
  });

  test('RLIM_INFINITY and negative numbers are exact', () => {
    const rlimit = api.POSIXRlimit.encode({ Hard: (1n << 64n) - 1n, Soft: (1n << 53n) + 1n });
    expect(rlimit).toEqual(hex('10 ffffffffffffffffff01 18 8180808080808010'));
    expect(api.POSIXRlimit.decode(rlimit).Hard).toBe(18446744073709551615n);
    expect(api.WaitProcessResponse.encode({ status: -1 })).toEqual(hex('08 ffffffffffffffffff01'));
    expect(api.WaitProcessResponse.decode(hex('08 ffffffffffffffffff01')).status).toBe(-1);
    expect(api.CopyFileRequest.decode(hex('28 ffffffffffffffffff01 30 ffffffff0f')).gid).toBe(-1);
    expect(api.User.decode(hex('08 feffffff0f')).UID).toBe(4294967294);
  });

  test('a sub-message that comes twice is merged', () => {
    expect({ ...api.ExecProcessRequest.decode(hex('22 04 3202 2f61 22 02 0801')).process }).toEqual({
      Cwd: '/a',
      Terminal: true,
    });
  });

  test('repeated numbers decode packed and unpacked', () => {
    expect(api.AddSwapRequest.decode(hex('0a 02 0203')).PCIPath).toEqual([2, 3]);
    expect(api.AddSwapRequest.decode(hex('08 02 08 03 0a 01 04')).PCIPath).toEqual([2, 3, 4]);
    expect(api.AddSwapRequest.encode({ PCIPath: [2, 300] })).toEqual(hex('0a 03 02ac02'));
  });

  test('keys and ids with the names of Object.prototype are data (ENG-02)', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const bytes = api.Spec.encode({ Annotations: new Map(names.map((name) => [name, 'x'])) });
    expect([...api.Spec.decode(bytes).Annotations.keys()]).toEqual(names);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(services.find('grpc.AgentService', '__proto__')).toBeUndefined();
    expect(services.find('constructor', 'call')).toBeUndefined();
  });

  test('lone surrogates become U+FFFD on the wire', () => {
    expect(api.OOMEvent.encode({ container_id: 'a\udcffb' })).toEqual(hex('0a 05 61 efbfbd 62'));
  });

  test('bytes are a view only where they are most of what they keep alive', () => {
    const large = api.WriteStreamRequest.encode({ container_id: 'c', data: new Uint8Array(5000).fill(7) });
    expect(api.WriteStreamRequest.decode(large).data.buffer).toBe(large.buffer);
    const padded = new Uint8Array(100_000);
    padded.set(large);
    const small = api.WriteStreamRequest.decode(padded.subarray(0, large.length)).data;
    expect(small.buffer).not.toBe(padded.buffer);
    expect(small.length).toBe(5000);
  });

  test('encode() leaves the reserved room in front', () => {
    expect(api.OOMEvent.encode({ container_id: 'ab' }, 3)).toEqual(hex('000000 0a 02 6162'));
  });

  test.each([
    [
      'a number for a string',
      () => api.OOMEvent.encode({ container_id: 1 as unknown as string }),
      /OOMEvent.container_id: must be a string/,
    ],
    ['a fraction', () => api.Box.encode({ Height: 1.5 }), /Box.Height: must be an unsigned/],
    ['a negative unsigned', () => api.Box.encode({ Height: -1 }), /unsigned 32-bit/],
    ['a number for a bigint', () => api.LinuxPids.encode({ Limit: 1 as unknown as bigint }), /bigint/],
    ['65 bits', () => api.POSIXRlimit.encode({ Hard: 1n << 64n }), /64 bits/],
  ])('encode() refuses %s', (_what, encode, message) => {
    expect(encode).toThrow(ProtobufError);
    expect(encode).toThrow(message);
  });
});

describe('hostile input (TTR-09, ENG-01, ENG-04, ENG-07)', () => {
  const repeat = (pattern: Uint8Array, count: number): Uint8Array => {
    const out = new Uint8Array(pattern.length * count);
    for (let index = 0; index < count; index++) out.set(pattern, index * pattern.length);
    return out;
  };
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
  const nested = (levels: number): Uint8Array => {
    // Unknown message inside itself cannot nest; Spec.Process... can not either: groups are the only deep form.
    return Uint8Array.from([...Array<number>(levels).fill(0x7b), ...Array<number>(levels).fill(0x7c)]);
  };

  test.each<[string, Uint8Array, ProtobufError['kind'], RegExp]>([
    ['wire type 6', hex('0e00'), 'malformed', /wire type 6/],
    ['wire type 7', hex('f7 01 00'), 'malformed', /wire type 7/],
    ['field 0', hex('0000'), 'malformed', /field number 0/],
    ['field 0, length-delimited', hex('0200'), 'malformed', /field number 0/],
    ['a tag of more than 32 bits', hex('8080808080 01'), 'malformed', /tag/],
    ['a stray end of group', hex('7c'), 'malformed', /not open/],
    ['a group closed by another number', hex('7b 84 01'), 'malformed', /not open/],
    ['a group left open', hex('7b'), 'malformed', /not closed/],
    ['an 11-byte varint', hex('38 8080808080808080808001'), 'malformed', /10 bytes/],
    ['a length of 2^31', hex('0a 8080808008'), 'malformed', /exceeds/],
    ['a length of 2^64-1', hex('0a ffffffffffffffffff01'), 'malformed', /exceeds/],
    ['a cut varint', hex('38 80'), 'malformed', /cut short/],
    ['a cut fixed64', hex('79 00'), 'malformed', /past the end/],
    ['bad UTF-8', hex('0a 02 c328'), 'text', /CreateContainerRequest.container_id: not valid UTF-8/],
    ['an encoded surrogate', hex('0a 03 eda080'), 'text', /UTF-8/],
    ['an overlong form', hex('0a 02 c0af'), 'text', /UTF-8/],
    ['groups 100,000 deep', nested(100_000), 'limit', /nested deeper/],
    ['4 MiB of empty sub-messages', repeat(hex('2200'), 2 << 20), 'limit', /elements/],
    ['4 MiB of one repeated sub-message', repeat(hex('3200'), 2 << 20), 'limit', /fields/],
    ['4 MiB of unknown varints', repeat(hex('7800'), 2 << 20), 'limit', /fields/],
    ['4 MiB of map entries', repeat(hex('32 02 3a00'), 1 << 20), 'limit', /map entries/],
  ])('refuses %s at once', (_what, bytes, kind, message) => {
    let caught: unknown;
    try {
      api.CreateContainerRequest.decode(bytes);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ProtobufError);
    expect((caught as ProtobufError).kind).toBe(kind);
    expect((caught as ProtobufError).message).toMatch(message);
  });

  test('a packed list is cut or full, and refused', () => {
    expect(() => api.AddSwapRequest.decode(hex('0a 02 02'))).toThrow(ProtobufError);
    expect(() => api.AddSwapRequest.decode(hex('0a 01 80 00'))).toThrow(ProtobufError);
    const packed = Uint8Array.from([0x0a, ...varint(1 << 20), ...new Uint8Array(1 << 20)]);
    expect(() => api.AddSwapRequest.decode(packed)).toThrow(/elements/);
  });

  test('groups within the limit are skipped', () => {
    const bytes = Uint8Array.from([...nested(MAX_DEPTH - 1), 0x0a, 0x01, 0x61]);
    expect(api.OOMEvent.decode(bytes).container_id).toBe('a');
  });

  test('map keys are counted before they are inserted, repeats included', () => {
    const same = (count: number): Uint8Array => repeat(hex('3a 03 0a0161'), count);
    expect(api.Spec.decode(same(MAX_MAP_ENTRIES)).Annotations.size).toBe(1);
    expect(() => api.Spec.decode(same(MAX_MAP_ENTRIES + 1))).toThrow(/map entries/);
  });

  test('a full message within the limits is accepted', () => {
    const routes = Array.from({ length: 16_000 }, (_, index) => ({
      dest: `10.${index >> 8}.${index & 255}.0/24`,
      gateway: '10.0.0.1',
      device: 'eth0',
      scope: 0,
      mtu: 1500,
    }));
    expect(api.Routes.decode(api.Routes.encode({ Routes: routes })).Routes.length).toBe(16_000);
    expect(16_000 * 7).toBeLessThan(MAX_FIELDS);
    expect(16_000).toBeLessThan(MAX_ELEMENTS);
  });

  test('refuseNul finds NUL at any depth', () => {
    const bytes = api.CreateContainerRequest.encode({ OCI: { Process: { Args: ['/proc\0/x'] } } });
    expect(() => api.CreateContainerRequest.decode(bytes, { refuseNul: true })).toThrow(
      /Process.Args: must not contain NUL/,
    );
    expect(api.CreateContainerRequest.decode(bytes).OCI?.Process?.Args).toEqual(['/proc\0/x']);
  });

  test('unknown fields of every wire type are stepped over', () => {
    expect(
      api.OOMEvent.decode(hex('7801 7900000000000000ff 7a02ffff 7d000000ff 7b7801 7c 0a0161 0801')).container_id,
    ).toBe('a');
  });
});

describe('service registry', () => {
  test('knows every method of both services with its codecs', () => {
    expect(services.methods('grpc.AgentService').length).toBe(42);
    expect(services.methods('grpc.Health')).toEqual(['Check', 'Version']);
    const read = services.method('grpc.AgentService', 'ReadStdout');
    expect(read.request.decode(read.request.encode({ container_id: 'a', len: 5 })).len).toBe(5);
    expect(services.find('grpc.AgentService', 'ReadStdout')).toBe(read);
    expect(services.find('grpc.AgentService', 'Nope')).toBeUndefined();
    expect(services.hasService('grpc.Nope')).toBe(false);
  });
});
