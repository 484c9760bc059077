const colon = 0x3a;
const space = 0x20;

/**
 * How many `"key":` a well-formed JSON text has, duplicates included. Built on native searches, about 0.1 us a string: cheap
 * enough to ask of every document whether JSON.parse dropped a key. `hasEscapes`: there may be a backslash.
 */
export function countKeys(text: string, hasEscapes: boolean): number {
  let plain = text;
  if (hasEscapes) {
    // Pairs first, so that the quote after an escaped backslash still ends its string.
    plain = text.replaceAll('\\\\', '').replaceAll('\\"', '');
  }
  const pieces = plain.split('"');
  let count = 0;
  // Pieces with an even number are what stands between strings; a key is followed by a colon.
  for (let index = 2; index < pieces.length; index += 2) {
    const piece = pieces[index] ?? '';
    const first = piece.charCodeAt(0);
    if (first === colon || (first <= space && piece.trimStart().charCodeAt(0) === colon)) count++;
  }
  return count;
}
