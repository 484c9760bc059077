/**
 * Bytes to text and back without loss.
 *
 * The kernel's names are bytes, not text. `decodeBytes` maps well-formed UTF-8 to text and every other byte 0x80..0xff to
 * the lone surrogate U+DC80..U+DCFF (the "surrogateescape" of Python's PEP 383); `encodeBytes` maps it back. Two names
 * that differ in a bad byte stay different, and a path survives the round trip.
 */

/** Native versions, installed by `sys/engine.ts`; the portable ones below serve Node. */
interface NativeText {
  /** Strict decoding; null when the bytes are not well-formed UTF-8. */
  decode(bytes: Uint8Array, start?: number, end?: number): string | null;
  /** UTF-8 bytes of well-formed text; lone surrogates U+DC80..U+DCFF become the byte they stand for. */
  encode(text: string): Uint8Array;
}

let native: NativeText | undefined;

/** Installs the engine's UTF-8 functions. */
export function installNativeText(implementation: NativeText): void {
  native = implementation;
}

/** Length in bytes of the well-formed UTF-8 sequence at `offset` (RFC 3629), or 0. */
function sequenceLength(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset] ?? 0;
  if (first < 0x80) return 1;
  const second = bytes[offset + 1] ?? 0;
  const third = bytes[offset + 2] ?? 0;
  const fourth = bytes[offset + 3] ?? 0;
  const tail = (byte: number): boolean => (byte & 0xc0) === 0x80;
  if (first >= 0xc2 && first <= 0xdf) return tail(second) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!tail(second) || !tail(third)) return 0;
    if (first === 0xe0 && second < 0xa0) return 0;
    if (first === 0xed && second > 0x9f) return 0;
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!tail(second) || !tail(third) || !tail(fourth)) return 0;
    if (first === 0xf0 && second < 0x90) return 0;
    if (first === 0xf4 && second > 0x8f) return 0;
    return 4;
  }
  return 0;
}

function decodePortable(bytes: Uint8Array, strict: boolean): string | null {
  const pieces: string[] = [];
  let units: number[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = sequenceLength(bytes, offset);
    const first = bytes[offset] ?? 0;
    if (length === 0) {
      if (strict) return null;
      units.push(0xdc00 + first);
      offset += 1;
    } else if (length === 1) {
      units.push(first);
      offset += 1;
    } else {
      let point = first & (0x7f >> length);
      for (let index = 1; index < length; index++) point = (point << 6) | ((bytes[offset + index] ?? 0) & 0x3f);
      if (point > 0xffff) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
      else units.push(point);
      offset += length;
    }
    if (units.length >= 4096) {
      pieces.push(String.fromCharCode(...units));
      units = [];
    }
  }
  pieces.push(String.fromCharCode(...units));
  return pieces.join('');
}

function encodePortable(text: string): Uint8Array {
  const out: number[] = [];
  for (let index = 0; index < text.length; index++) {
    let point = text.charCodeAt(index);
    if (point >= 0xd800 && point <= 0xdbff) {
      const low = text.charCodeAt(index + 1);
      if (low >= 0xdc00 && low <= 0xdfff) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        index += 1;
      }
    }
    if (point < 0x80) out.push(point);
    else if (point < 0x800) out.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point >= 0xdc80 && point <= 0xdcff) out.push(point - 0xdc00);
    else if (point >= 0xd800 && point <= 0xdfff) out.push(0xef, 0xbf, 0xbd);
    else if (point < 0x10000) out.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else
      out.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 0x3f),
        0x80 | ((point >> 6) & 0x3f),
        0x80 | (point & 0x3f),
      );
  }
  return Uint8Array.from(out);
}

/** Strict UTF-8; undefined when the bytes are not well-formed (RFC 3629: no surrogates, no overlong forms). */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string | undefined {
  const text =
    native === undefined ? decodePortable(bytes.subarray(start, end), true) : native.decode(bytes, start, end);
  return text ?? undefined;
}

/** Lossless text of any bytes (see above). */
export function decodeBytes(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? decodePortable(bytes, false) ?? '';
}

/** Bytes of a text made by `decodeBytes`, or UTF-8 of any other text (other lone surrogates become U+FFFD). */
export function encodeBytes(text: string): Uint8Array {
  return native === undefined ? encodePortable(text) : native.encode(text);
}
