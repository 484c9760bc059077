import { MAX_REGEX_PROGRAM } from '../limits.ts';
import type { CharacterClass } from './character-class.ts';
import type { Assertion, ParsedRegex, RegexNode } from './node.ts';
import { RegexError } from './parse-regex.ts';

/** One instruction of a matcher that follows all possibilities at once. */
export type Instruction =
  | { readonly kind: 'character'; readonly code: number }
  | { readonly kind: 'class'; readonly set: CharacterClass }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  /** Notes the position in a slot: two for each group. */
  | { readonly kind: 'save'; readonly slot: number }
  /** Goes on at both; the first is preferred. */
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'match' };

export interface RegexProgram {
  readonly instructions: readonly Instruction[];
  readonly slotCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
  /** Can match only at the beginning of the text. */
  readonly isAnchored: boolean;
  /** Every match begins with this. */
  readonly prefix: string;
}

/** Throws RegexError when the expression becomes too large, for example by nested repetitions. */
export function compileRegex(regex: ParsedRegex): RegexProgram {
  const instructions: Instruction[] = [];
  emit(instructions, { kind: 'group', index: 0, inner: regex.root });
  instructions.push({ kind: 'match' });
  const items = regex.root.kind === 'sequence' ? regex.root.items : [regex.root];
  const [first] = items;
  const isAnchored = first?.kind === 'assertion' && first.assertion === 'textStart';
  let prefix = '';
  for (const item of isAnchored ? items.slice(1) : items) {
    if (item.kind !== 'character') break;
    prefix += String.fromCodePoint(item.code);
  }
  return { instructions, slotCount: 2 * (regex.groupCount + 1), groupNames: regex.groupNames, isAnchored, prefix };
}

function add<I extends Instruction>(program: Instruction[], instruction: I): I {
  if (program.length >= MAX_REGEX_PROGRAM) throw new RegexError('the regular expression is too large');
  program.push(instruction);
  return instruction;
}

function emit(program: Instruction[], node: RegexNode): void {
  switch (node.kind) {
    case 'empty':
      return;
    case 'character':
      add(program, { kind: 'character', code: node.code });
      return;
    case 'class':
      add(program, { kind: 'class', set: node.set });
      return;
    case 'assertion':
      add(program, { kind: 'assertion', assertion: node.assertion });
      return;
    case 'group':
      if (node.index !== undefined) add(program, { kind: 'save', slot: 2 * node.index });
      emit(program, node.inner);
      if (node.index !== undefined) add(program, { kind: 'save', slot: 2 * node.index + 1 });
      return;
    case 'sequence':
      for (const item of node.items) emit(program, item);
      return;
    case 'alternatives':
      emitAlternatives(program, node.items);
      return;
    case 'repeat':
      emitRepeat(program, node);
  }
}

function emitAlternatives(program: Instruction[], items: readonly RegexNode[]): void {
  const ends: { to: number }[] = [];
  items.forEach((item, index) => {
    const isLast = index === items.length - 1;
    const split = isLast ? undefined : add(program, { kind: 'split', first: program.length + 1, second: 0 });
    emit(program, item);
    if (!isLast) ends.push(add(program, { kind: 'jump', to: 0 }));
    if (split !== undefined) split.second = program.length;
  });
  for (const end of ends) end.to = program.length;
}

function emitRepeat(program: Instruction[], node: Extract<RegexNode, { kind: 'repeat' }>): void {
  const { inner, min, max, isGreedy } = node;
  for (let count = 0; count < min; count++) emit(program, inner);
  /** A choice between going in, which follows, and going past. */
  const choice = (): { past: (to: number) => void } => {
    const inside = program.length + 1;
    const split = add(program, { kind: 'split', first: inside, second: inside });
    return { past: (to) => (isGreedy ? (split.second = to) : (split.first = to)) };
  };
  if (max === undefined) {
    const start = program.length;
    const loop = choice();
    emit(program, inner);
    add(program, { kind: 'jump', to: start });
    loop.past(program.length);
    return;
  }
  const choices: { past: (to: number) => void }[] = [];
  for (let count = min; count < max; count++) {
    choices.push(choice());
    emit(program, inner);
  }
  for (const { past } of choices) past(program.length);
}
