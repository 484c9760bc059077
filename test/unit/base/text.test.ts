import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBytes, decodeUtf8, encodeBytes } from '../../../agent/src/base/text.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Node's answer: the text, or undefined for bytes that are no UTF-8. */
function expected(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes that are often nearly UTF-8: fragments of well-formed text, cut and mixed. */
const nearlyText = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: 'binary', maxLength: 3 }).map((text) => new TextEncoder().encode(text)),
      fc.constantFrom(...[0xc0, 0xc1, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff].map((byte) => Uint8Array.of(byte))),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

describe('decodeUtf8()', () => {
  it.each([
    ['an overlong NUL', [0xc0, 0x80]],
    ['an overlong slash in three bytes', [0xe0, 0x80, 0xaf]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a code point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a lone continuation byte', [0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['a byte that never occurs', [0xff]],
  ])('refuses %s', (_, bytes) => {
    expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined();
  });

  it.each(['', 'plain', '\0 inside', '\ufeffmark', 'ünïcödé', '基本', '\u{1f600}\u{10ffff}', '\ud7ff\ue000'])(
    'accepts %j',
    (text) => {
      expect(decodeUtf8(new TextEncoder().encode(text))).toBe(text);
    },
  );

  it('agrees with a strict decoder on any bytes', () => {
    fc.assert(
      fc.property(nearlyText, (bytes) => {
        expect(decodeUtf8(bytes)).toBe(expected(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes text longer than one batch', () => {
    const text = 'é𝄞x'.repeat(5000);
    expect(decodeUtf8(new TextEncoder().encode(text))).toBe(text);
  });
});

describe('decodeBytes() and encodeBytes()', () => {
  it('give any bytes back', () => {
    fc.assert(
      fc.property(nearlyText, (bytes) => {
        expect([...encodeBytes(decodeBytes(bytes))]).toEqual([...bytes]);
      }),
      { numRuns: 2000 },
    );
  });

  it('keep names apart that differ in a bad byte only', () => {
    expect(decodeBytes(Uint8Array.of(0x61, 0xff))).not.toBe(decodeBytes(Uint8Array.of(0x61, 0xfe)));
    expect(decodeBytes(Uint8Array.of(0x61, 0xff))).toBe('a\udcff');
  });

  it('encode well-formed text as UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect([...encodeBytes(text)]).toEqual([...new TextEncoder().encode(text)]);
      }),
    );
  });

  it('write U+FFFD for a surrogate that stands for no byte', () => {
    expect([...encodeBytes('\ud800')]).toEqual([0xef, 0xbf, 0xbd]);
    expect([...encodeBytes('\udc7f')]).toEqual([0xef, 0xbf, 0xbd]);
  });
});
