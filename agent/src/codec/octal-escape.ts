/**
 * The kernel's escapes in mount tables (proc(5), `mangle` in fs/seq_file.c): space, tab, newline, backslash and, in sources, `#` are written as a
 * backslash and three octal digits of the byte.
 */
const ESCAPED: ReadonlyMap<string, string> = new Map([
  [' ', '\\040'],
  ['\t', '\\011'],
  ['\n', '\\012'],
  ['\\', '\\134'],
  ['#', '\\043'],
]);

/** Value of the octal digit at `index`, or -1. */
function digit(text: string, index: number): number {
  const code = text.charCodeAt(index) - 0x30;
  return code >= 0 && code <= 7 ? code : -1;
}

/**
 * Undoes the escapes. A backslash that begins no escape stays. Bytes above 0x7f cannot be written this way in text that was already decoded, and the kernel does not: such
 * an escape stays as it is, too.
 */
export function unescapeOctal(text: string): string {
  let at = text.indexOf('\\');
  if (at < 0) return text;
  let out = '';
  let from = 0;
  for (; at >= 0; at = text.indexOf('\\', at)) {
    const value = digit(text, at + 1) * 64 + digit(text, at + 2) * 8 + digit(text, at + 3);
    const isEscape = digit(text, at + 1) >= 0 && digit(text, at + 2) >= 0 && digit(text, at + 3) >= 0;
    if (!isEscape || value === 0 || value > 0x7f) {
      at += 1;
      continue;
    }
    out += text.slice(from, at) + String.fromCharCode(value);
    at += 4;
    from = at;
  }
  return out + text.slice(from);
}

/** Writes text as the kernel does. */
export function escapeOctal(text: string): string {
  let out = '';
  for (const character of text) out += ESCAPED.get(character) ?? character;
  return out;
}
