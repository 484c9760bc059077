import { MAX_NESTING, MAX_REGEX_REPEAT } from '../limits.ts';
import type { CharacterClass } from './character-class.ts';
import { complement, PERL_CLASSES, POSIX_CLASSES, unicodeProperty } from './character-class.ts';
import type { Assertion, ParsedRegex, RegexNode } from './node.ts';

/** A text that is no regular expression of RE2's syntax, or asks for what linear matching cannot do (back-references). */
export class RegexError extends Error {
  override readonly name = 'RegexError';
}

interface Flags {
  readonly foldsCase: boolean;
  readonly isMultiline: boolean;
  readonly dotMatchesAll: boolean;
  readonly isUngreedy: boolean;
}

const NO_FLAGS: Flags = { foldsCase: false, isMultiline: false, dotMatchesAll: false, isUngreedy: false };
const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const LINE_FEED = 10;
const LAST_CODE_POINT = 0x10ffff;

/** Reads the syntax of RE2, which is what the language's `regex` functions take. */
export class RegexParser {
  readonly #text: readonly string[];
  readonly #names = new Map<string, number>();
  #at = 0;
  #groups = 0;
  #depth = 0;
  #flags = NO_FLAGS;

  constructor(text: string) {
    this.#text = Array.from(text);
  }

  run(): ParsedRegex {
    const root = this.#alternatives();
    if (this.#at < this.#text.length) throw new RegexError('unexpected )');
    return { root, groupCount: this.#groups, groupNames: this.#names };
  }

  get #next(): string | undefined {
    return this.#text[this.#at];
  }

  #tryTake(text: string): boolean {
    for (let index = 0; index < text.length; index++)
      if (this.#text[this.#at + index] !== text.charAt(index)) return false;
    this.#at += text.length;
    return true;
  }

  /** Takes up to and including `end`. */
  #until(end: string): string {
    const from = this.#at;
    while (this.#next !== undefined && this.#next !== end) this.#at++;
    if (this.#next === undefined) throw new RegexError(`missing ${end}`);
    return this.#text.slice(from, this.#at++).join('');
  }

  #alternatives(): RegexNode {
    if (++this.#depth > MAX_NESTING) throw new RegexError('nested too deep');
    const saved = this.#flags;
    const items = [this.#sequence()];
    while (this.#tryTake('|')) items.push(this.#sequence());
    this.#flags = saved;
    this.#depth--;
    return items.length === 1 ? (items[0] as RegexNode) : { kind: 'alternatives', items };
  }

  #sequence(): RegexNode {
    const items: RegexNode[] = [];
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') {
      if (this.#tryTake('\\Q')) items.push(...this.#quoted());
      else items.push(this.#repeated(this.#atom()));
    }
    return items.length === 1 ? (items[0] as RegexNode) : { kind: 'sequence', items };
  }

  #quoted(): RegexNode[] {
    const items: RegexNode[] = [];
    while (this.#next !== undefined && !this.#tryTake('\\E'))
      items.push(this.#literal(this.#text[this.#at++] as string));
    return items;
  }

  #repeated(atom: RegexNode): RegexNode {
    let node = atom;
    for (let count = 0; ; count++) {
      const bounds = this.#repetition();
      if (bounds === undefined) return node;
      if (count > 0) throw new RegexError('a repetition of a repetition');
      const isGreedy = this.#tryTake('?') === this.#flags.isUngreedy;
      node = { kind: 'repeat', inner: node, ...bounds, isGreedy };
    }
  }

  #repetition(): { readonly min: number; readonly max: number | undefined } | undefined {
    if (this.#tryTake('*')) return { min: 0, max: undefined };
    if (this.#tryTake('+')) return { min: 1, max: undefined };
    if (this.#tryTake('?')) return { min: 0, max: 1 };
    if (this.#next !== '{') return undefined;
    const [all, low = '', comma, high = ''] =
      /^\{(\d{1,6})(,)?(\d{0,6})\}/.exec(this.#text.slice(this.#at, this.#at + 16).join('')) ?? [];
    // A brace that begins no repetition is a brace.
    if (all === undefined || (comma === undefined && high !== '')) return undefined;
    this.#at += all.length;
    const min = Number(low);
    const max = comma === undefined ? min : high === '' ? undefined : Number(high);
    if (min > MAX_REGEX_REPEAT || (max ?? 0) > MAX_REGEX_REPEAT || (max !== undefined && max < min))
      throw new RegexError(`bad repetition ${all}`);
    return { min, max };
  }

  #atom(): RegexNode {
    const character = this.#text[this.#at++] as string;
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'class', set: this.#class() };
      case '.':
        return this.#flags.dotMatchesAll
          ? this.#ranges([0, LAST_CODE_POINT])
          : this.#ranges([0, LINE_FEED - 1, LINE_FEED + 1, LAST_CODE_POINT]);
      case '^':
        return { kind: 'assertion', assertion: this.#flags.isMultiline ? 'lineStart' : 'textStart' };
      case '$':
        return { kind: 'assertion', assertion: this.#flags.isMultiline ? 'lineEnd' : 'textEnd' };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new RegexError(`nothing before ${character}`);
      default:
        return this.#literal(character);
    }
  }

  #literal(character: string): RegexNode {
    const code = character.codePointAt(0) as number;
    if (!this.#flags.foldsCase || character.toLowerCase() === character.toUpperCase())
      return { kind: 'character', code };
    return this.#ranges([code, code]);
  }

  #ranges(ranges: readonly number[]): RegexNode {
    return { kind: 'class', set: { ranges, properties: [], isNegated: false, foldsCase: this.#flags.foldsCase } };
  }

  #group(): RegexNode {
    let index: number | undefined;
    const saved = this.#flags;
    if (!this.#tryTake('?')) index = ++this.#groups;
    else if (this.#tryTake('P<') || this.#tryTake('<')) {
      const name = this.#until('>');
      if (!/^[A-Za-z_]\w*$/.test(name) || this.#names.has(name)) throw new RegexError(`bad name of a group: ${name}`);
      index = ++this.#groups;
      this.#names.set(name, index);
    } else if (this.#setFlags()) return { kind: 'empty' };
    const inner = this.#alternatives();
    if (!this.#tryTake(')')) throw new RegexError('missing )');
    this.#flags = saved;
    return { kind: 'group', index, inner };
  }

  /** `i-s:` or `i)` after `(?`; true when the group ends there, and the flags are for what follows. */
  #setFlags(): boolean {
    const flags = { ...this.#flags };
    let value = true;
    for (;;) {
      const letter = this.#text[this.#at++];
      switch (letter) {
        case 'i':
          flags.foldsCase = value;
          break;
        case 'm':
          flags.isMultiline = value;
          break;
        case 's':
          flags.dotMatchesAll = value;
          break;
        case 'U':
          flags.isUngreedy = value;
          break;
        case '-':
          if (!value) throw new RegexError('two - among the flags');
          value = false;
          break;
        case ':':
        case ')':
          this.#flags = flags;
          return letter === ')';
        default:
          throw new RegexError(`unknown group (?${letter ?? ''}`);
      }
    }
  }

  #escape(): RegexNode {
    const assertion = ({ A: 'textStart', z: 'textEnd', b: 'wordBoundary', B: 'noWordBoundary' } as const)[
      this.#next as string
    ] as Assertion | undefined;
    if (assertion !== undefined) {
      this.#at++;
      return { kind: 'assertion', assertion };
    }
    const set = this.#escapedClass();
    if (set !== undefined)
      return { kind: 'class', set: { isNegated: false, foldsCase: this.#flags.foldsCase, ...set } };
    return this.#literal(String.fromCodePoint(this.#escapedCode()));
  }

  /** `\d`, `\W`, `\pL`, `\P{Greek}`; undefined when it is none of these. */
  #escapedClass(): Pick<CharacterClass, 'ranges' | 'properties'> | undefined {
    const letter = this.#next ?? '';
    const lower = letter.toLowerCase();
    const ranges = Object.hasOwn(PERL_CLASSES, lower) ? PERL_CLASSES[lower] : undefined;
    if (ranges !== undefined) {
      this.#at++;
      return { ranges: letter === lower ? ranges : complement(ranges), properties: [] };
    }
    if (lower !== 'p') return undefined;
    this.#at++;
    const name = this.#tryTake('{') ? this.#until('}') : (this.#text[this.#at++] ?? '');
    const isNegated = name.startsWith('^') !== (letter === 'P');
    const property = unicodeProperty(name.replace(/^\^/, ''), isNegated);
    if (property === undefined) throw new RegexError(`unknown property ${name}`);
    return { ranges: [], properties: [property] };
  }

  #escapedCode(): number {
    const character = this.#text[this.#at++];
    if (character === undefined) throw new RegexError('\\ at the end');
    const control = Object.hasOwn(CONTROL, character) ? CONTROL[character] : undefined;
    if (control !== undefined) return control;
    if (character === 'x') {
      const digits = this.#tryTake('{') ? this.#until('}') : this.#text.slice(this.#at, (this.#at += 2)).join('');
      const code = /^[0-9a-fA-F]{1,8}$/.test(digits) ? parseInt(digits, 16) : Infinity;
      if (code > LAST_CODE_POINT) throw new RegexError(`bad escape \\x${digits}`);
      return code;
    }
    if (/^[A-Za-z0-9]$/.test(character)) throw new RegexError(`unknown escape \\${character}`);
    return character.codePointAt(0) as number;
  }

  /** What follows `[`. */
  #class(): CharacterClass {
    const isNegated = this.#tryTake('^');
    const ranges: number[] = [];
    const properties: CharacterClass['properties'][number][] = [];
    for (let isFirst = true; isFirst || this.#next !== ']'; isFirst = false) {
      if (this.#next === undefined) throw new RegexError('missing ]');
      const posix = this.#posixClass();
      if (posix !== undefined) {
        ranges.push(...posix);
        continue;
      }
      const isEscape = this.#tryTake('\\');
      const set = isEscape ? this.#escapedClass() : undefined;
      if (set !== undefined) {
        ranges.push(...set.ranges);
        properties.push(...set.properties);
        continue;
      }
      const first = this.#classCode(isEscape);
      const isRange = this.#next === '-' && this.#text[this.#at + 1] !== ']' && this.#text[this.#at + 1] !== undefined;
      if (isRange) this.#at++;
      const last = isRange ? this.#classCode(this.#tryTake('\\')) : first;
      if (last < first) throw new RegexError('a range that ends before it begins');
      ranges.push(first, last);
    }
    this.#at++;
    return { ranges, properties, isNegated, foldsCase: this.#flags.foldsCase };
  }

  #classCode(isEscape: boolean): number {
    if (isEscape) return this.#escapedCode();
    const character = this.#text[this.#at++];
    if (character === undefined) throw new RegexError('missing ]');
    return character.codePointAt(0) as number;
  }

  #posixClass(): readonly number[] | undefined {
    if (this.#next !== '[' || this.#text[this.#at + 1] !== ':') return undefined;
    const match = /^\[:(\^?)([a-z]+):\]/.exec(this.#text.slice(this.#at, this.#at + 12).join(''));
    const [all = '', negation, name = ''] = match ?? [];
    if (!Object.hasOwn(POSIX_CLASSES, name)) throw new RegexError('unknown class [:...:]');
    this.#at += all.length;
    const ranges = POSIX_CLASSES[name] as readonly number[];
    return negation === '^' ? complement(ranges) : ranges;
  }
}
