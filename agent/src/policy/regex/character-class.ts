/** A set of code points: ranges, and properties of Unicode. */
export interface CharacterClass {
  /** First and last of each range, one after another. */
  readonly ranges: readonly number[];
  readonly properties: readonly ((character: string) => boolean)[];
  readonly isNegated: boolean;
  /** Upper and lower case are the same. */
  readonly foldsCase: boolean;
}

function isListed(set: CharacterClass, code: number): boolean {
  const { ranges } = set;
  for (let index = 0; index < ranges.length; index += 2)
    if (code >= (ranges[index] as number) && code <= (ranges[index + 1] as number)) return true;
  if (set.properties.length === 0) return false;
  const character = String.fromCodePoint(code);
  return set.properties.some((has) => has(character));
}

/** The other case of a code point, or itself. */
function otherCases(code: number): readonly number[] {
  const character = String.fromCodePoint(code);
  return [character.toLowerCase(), character.toUpperCase()]
    .filter((other) => other.length === (code > 0xffff ? 2 : 1))
    .map((other) => other.codePointAt(0) ?? code);
}

export function classHas(set: CharacterClass, code: number): boolean {
  const found = isListed(set, code) || (set.foldsCase && otherCases(code).some((other) => isListed(set, other)));
  return found !== set.isNegated;
}

const DIGITS = [0x30, 0x39];
const WORD = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
const SPACE = [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20];

/** `\d`, `\w` and `\s`: ASCII, as in RE2. */
export const PERL_CLASSES: Readonly<Record<string, readonly number[]>> = { d: DIGITS, w: WORD, s: SPACE };

/** `[:alpha:]` and so on. */
export const POSIX_CLASSES: Readonly<Record<string, readonly number[]>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  ascii: [0x00, 0x7f],
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0x00, 0x1f, 0x7f, 0x7f],
  digit: DIGITS,
  graph: [0x21, 0x7e],
  lower: [0x61, 0x7a],
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper: [0x41, 0x5a],
  word: WORD,
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
};

const LAST_CODE_POINT = 0x10ffff;

/** Everything that is in none of the ranges. */
export function complement(ranges: readonly number[]): readonly number[] {
  const pairs: (readonly [number, number])[] = [];
  for (let index = 0; index < ranges.length; index += 2)
    pairs.push([ranges[index] as number, ranges[index + 1] as number]);
  pairs.sort(([a], [b]) => a - b);
  const result: number[] = [];
  let next = 0;
  for (const [first, last] of pairs) {
    if (first > next) result.push(next, first - 1);
    next = Math.max(next, last + 1);
  }
  if (next <= LAST_CODE_POINT) result.push(next, LAST_CODE_POINT);
  return result;
}

/**
 * A general category (`L`, `Lu`) or script (`Greek`); undefined when there is none of that name. The engine's own expressions know them, and one
 * character cannot make one slow.
 */
export function unicodeProperty(name: string, isNegated: boolean): ((character: string) => boolean) | undefined {
  if (!/^[A-Za-z_]{1,40}$/.test(name)) return undefined;
  const letter = isNegated ? 'P' : 'p';
  for (const property of [name, `Script=${name}`]) {
    try {
      const pattern = new RegExp(`^\\${letter}{${property}}$`, 'u');
      return (character) => pattern.test(character);
    } catch {
      // Not of this kind.
    }
  }
  return undefined;
}
