import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DbusError } from '../../../../agent/src/codec/dbus/dbus-error.ts';
import { ValueReader } from '../../../../agent/src/codec/dbus/decode-value.ts';
import { ValueWriter } from '../../../../agent/src/codec/dbus/encode-value.ts';
import { parseSignature, parseSingleType } from '../../../../agent/src/codec/dbus/signature.ts';
import type { DbusValue, Variant } from '../../../../agent/src/codec/dbus/value.ts';
import { makeMessage, takeMessage, type Plain } from '../../../support/systemd/plain-dbus.ts';

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

function encode(signature: string, ...values: DbusValue[]): Uint8Array {
  const writer = new ValueWriter();
  writer.writeAll(signature, values);
  return writer.finish();
}

function decode(signature: string, from: Uint8Array, isLittle = true): readonly DbusValue[] {
  return new ValueReader(from, isLittle).readAll(signature);
}

describe('the examples of the specification', () => {
  it('an array of one INT64 has padding behind its length, which does not count', () => {
    expect(decode('ax', bytes('00000008 00000000 0000000000000005'), false)).toEqual([[5n]]);
    expect(encode('ax', [5n])).toEqual(bytes('08000000 00000000 0500000000000000'));
  });

  it('texts are aligned to 4 and end with a NUL', () => {
    const text = bytes('03000000 666f6f00 01000000 2b00 0000 03000000 62617200');
    expect(encode('sss', 'foo', '+', 'bar')).toEqual(text);
    expect(decode('sss', text)).toEqual(['foo', '+', 'bar']);
  });

  it('a variant has its signature before it', () => {
    expect(encode('v', { signature: 'u', value: 7 })).toEqual(bytes('01 75 00 00 07000000'));
  });

  it('an empty array of structs is padded all the same', () => {
    expect(encode('a(sv)', [])).toEqual(bytes('00000000 00000000'));
    expect(decode('a(sv)', bytes('00000000 00000000'))).toEqual([[]]);
  });
});

describe('what the specification forbids is refused', () => {
  it.each([
    ['b', '02000000', 'boolean 2'],
    ['yu', '01 010000 07000000', 'padding'],
    ['s', '01000000 ff 00', 'UTF-8'],
    ['s', '01000000 00 00', 'NUL'],
    ['s', '01000000 61 61', 'without an end'],
    ['o', '01000000 61 00', 'object path'],
    ['g', '01 7a 00', 'no type'],
    ['v', '02 7575 00 00000000', 'not one complete type'],
    ['ay', '05000000 01', 'leads outside'],
    ['au', '06000000 00000000 0000 0000', 'leads out of it'],
    ['ay', '01000004', 'array of'],
    ['u', '010000', 'wanted'],
    ['u', '01000000 00', 'too many'],
  ])('%s: %s', (signature, hex, text) => {
    expect(() => decode(signature, bytes(hex))).toThrow(text);
    expect(() => decode(signature, bytes(hex))).toThrow(DbusError);
  });

  it.each([
    'z',
    'a',
    '(',
    '()',
    'a{su',
    'a{vs}',
    'a{s}',
    'a{sss}',
    '{su}',
    ')',
    'a'.repeat(33) + 'u',
    '('.repeat(33),
    'y'.repeat(256),
  ])('the signature %j', (signature) => {
    expect(() => parseSignature(signature)).toThrow(DbusError);
  });

  it('variants in variants without an end', () => {
    const nested = Uint8Array.from({ length: 300 }, (_, index) => [1, 0x76, 0][index % 3] ?? 0);
    expect(() => decode('v', nested)).toThrow('nested');
  });

  it.each<[string, DbusValue]>([
    ['y', 256],
    ['u', -1],
    ['u', 1.5],
    ['i', 0x8000_0000],
    ['t', -1n],
    ['x', 1n << 63n],
    ['t', 1],
    ['b', 1],
    ['s', 'a\0b'],
    ['s', '\ud800'],
    ['o', 'a//b'],
    ['g', '('],
    ['au', Uint8Array.of(1)],
    ['(us)', [1]],
    ['v', 'text'],
  ])('a value of %s that is none: %s', (signature, value) => {
    expect(() => encode(signature, value)).toThrow(DbusError);
  });
});

const integers: Readonly<Record<string, fc.Arbitrary<DbusValue>>> = {
  y: fc.integer({ min: 0, max: 0xff }),
  n: fc.integer({ min: -0x8000, max: 0x7fff }),
  q: fc.integer({ min: 0, max: 0xffff }),
  i: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  u: fc.integer({ min: 0, max: 0xffff_ffff }),
  x: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  t: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  b: fc.boolean(),
  d: fc.double({ noNaN: true }),
  s: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  o: fc.constantFrom('/', '/a', '/org/freedesktop/systemd1/job/7'),
  g: fc.constantFrom('', 'u', 'a(sv)', 'a{sv}'),
};

/** A type that is made of these, and a value of it. */
function typedOf(codes: readonly string[]): fc.Arbitrary<Variant> {
  const basic = fc.constantFrom(...codes).chain((signature) => {
    return (integers[signature] ?? fc.constant('')).map((value) => ({ signature, value }));
  });
  return fc.letrec<{ typed: Variant }>((tie) => ({
    typed: fc.oneof(
      { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
      basic,
      tie('typed').map((inner) => ({ signature: 'v', value: inner })),
      fc.array(tie('typed'), { minLength: 1, maxLength: 3 }).map((fields) => ({
        signature: `(${fields.map(({ signature }) => signature).join('')})`,
        value: fields.map(({ value }) => value),
      })),
      fc.tuple(tie('typed'), fc.integer({ min: 0, max: 3 })).map(([{ signature, value }, count]) => ({
        signature: `a${signature}`,
        value: signature === 'y' ? new Uint8Array(count).fill(Number(value)) : Array<DbusValue>(count).fill(value),
      })),
    ),
  })).typed;
}

const typed = typedOf(Object.keys(integers));

const fits = ({ signature }: Variant): boolean => {
  try {
    parseSingleType(signature);
    return true;
  } catch {
    return false;
  }
};

/** Values of the codec as the other implementation has them. */
function plain(value: DbusValue): Plain {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return (value as readonly DbusValue[]).map(plain);
  if (typeof value !== 'object') return value;
  const { signature: type, value: inner } = value as Variant;
  return { type, value: plain(inner) };
}

describe('values', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(typed.filter(fits), ({ signature, value }) => {
        expect(decode(signature, encode(signature, value))).toEqual([value]);
      }),
    );
  });

  it('of the other byte order, as another implementation writes them', () => {
    const known = typedOf(['y', 'b', 'u', 's', 'o', 'g']).filter(fits);
    fc.assert(
      fc.property(known, fc.boolean(), ({ signature, value }, isLittle) => {
        const message = makeMessage(
          { type: 4, serial: 1, fields: { 1: '/', 2: 'a.b', 3: 'c' }, signature, values: [plain(value)] },
          isLittle,
        );
        expect(takeMessage(message)?.message.body).toEqual([plain(value)]);
        const bodyLength = isLittle ? message.readUInt32LE(4) : message.readUInt32BE(4);
        const body = Uint8Array.from(message.subarray(message.length - bodyLength));
        expect(decode(signature, body, isLittle)).toEqual([value]);
      }),
    );
  });

  it('any bytes for any type give a value or a DbusError', () => {
    fc.assert(
      fc.property(
        typed.filter(fits),
        fc.uint8Array({ maxLength: 64 }),
        fc.boolean(),
        ({ signature }, from, isLittle) => {
          try {
            decode(signature, from, isLittle);
          } catch (error) {
            expect(error).toBeInstanceOf(DbusError);
          }
        },
      ),
    );
  });
});
