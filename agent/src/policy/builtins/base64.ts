const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = `${STANDARD.slice(0, 62)}-_`;

export type Base64Alphabet = 'standard' | 'url';

/** RFC 4648, sections 4 and 5. */
export function encodeBase64(bytes: Uint8Array, alphabet: Base64Alphabet, isPadded: boolean): string {
  const letters = alphabet === 'url' ? URL_SAFE : STANDARD;
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b, c] = bytes.subarray(index, index + 3);
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += letters.charAt(bits >> 18) + letters.charAt((bits >> 12) & 63);
    if (b !== undefined) text += letters.charAt((bits >> 6) & 63);
    if (c !== undefined) text += letters.charAt(bits & 63);
    if (isPadded && c === undefined) text += b === undefined ? '==' : '=';
  }
  return text;
}

/** Undefined when the text is not of that alphabet or not whole. */
export function decodeBase64(text: string, alphabet: Base64Alphabet, isPadded: boolean): Uint8Array | undefined {
  const letters = alphabet === 'url' ? URL_SAFE : STANDARD;
  if (isPadded && text.length % 4 !== 0) return undefined;
  const body = isPadded ? text.replace(/={1,2}$/, '') : text;
  if (body.length % 4 === 1) return undefined;
  const bytes = new Uint8Array((body.length * 3) >> 2);
  let bits = 0;
  let size = 0;
  let at = 0;
  for (let index = 0; index < body.length; index++) {
    const digit = letters.indexOf(body.charAt(index));
    if (digit === -1) return undefined;
    bits = ((bits << 6) | digit) & 0xffff;
    size += 6;
    if (size >= 8) {
      size -= 8;
      bytes[at++] = bits >> size;
    }
  }
  return bytes;
}
