import { AND, JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_EQUAL, offsetOfArgument } from './instruction.ts';
import type { ProgramBuilder, Target } from './program-builder.ts';

/** A comparison of one argument, in 32-bit halves. */
export interface Condition {
  readonly index: number;
  readonly op: 'equal' | 'greater' | 'greater or equal';
  /** Turns the outcome around: not equal, less or equal, less. */
  readonly isNegated: boolean;
  readonly high: number;
  readonly low: number;
  /** For `equal`. */
  readonly maskHigh: number;
  readonly maskLow: number;
}

const allBits = 0xffffffff;

interface Word {
  readonly offset: number;
  readonly mask: number;
  readonly value: number;
}

/** Compares one word. */
function word(builder: ProgramBuilder, code: number, { offset, mask, value }: Word, yes: Target, no: Target): Target {
  let start = builder.branch(code, value, yes, no);
  if (mask !== allBits) start = builder.prepend(AND, mask);
  return builder.load(offset, start);
}

/** `(word & mask) == value`, decided now where no bit is looked at. */
function wordEquals(builder: ProgramBuilder, part: Word, yes: Target, no: Target): Target {
  if (part.mask === 0) return part.value === 0 ? yes : no;
  return word(builder, JUMP_EQUAL, part, yes, no);
}

function compareNarrow(builder: ProgramBuilder, condition: Condition, yes: Target, no: Target): Target {
  const { op, high, low, maskLow } = condition;
  const part = { offset: offsetOfArgument(condition.index), mask: allBits, value: low };
  // The high half of a register does not exist here. All ones is a negative number that was written with 64 bits.
  const isBeyond = high !== 0 && high !== allBits;
  if (op === 'equal') {
    if (isBeyond) return no;
    return wordEquals(builder, { ...part, mask: maskLow }, yes, no);
  }
  if (isBeyond) return no;
  return word(builder, op === 'greater' ? JUMP_GREATER : JUMP_GREATER_EQUAL, part, yes, no);
}

function compareWide(builder: ProgramBuilder, condition: Condition, yes: Target, no: Target): Target {
  const { op, high, low, maskHigh, maskLow } = condition;
  const lowPart = { offset: offsetOfArgument(condition.index), mask: allBits, value: low };
  const highPart = { ...lowPart, offset: lowPart.offset + 4, value: high };
  if (op === 'equal') {
    const rest = wordEquals(builder, { ...lowPart, mask: maskLow }, yes, no);
    return wordEquals(builder, { ...highPart, mask: maskHigh }, rest, no);
  }
  const rest = word(builder, op === 'greater' ? JUMP_GREATER : JUMP_GREATER_EQUAL, lowPart, yes, no);
  const isTied = builder.branch(JUMP_EQUAL, high, rest, no);
  return builder.load(highPart.offset, builder.branch(JUMP_GREATER, high, yes, isTied));
}

/** Emits the comparison of unsigned numbers; `isNarrow` for ABIs whose arguments have 32 bits. */
export function emitCondition(
  builder: ProgramBuilder,
  condition: Condition,
  isNarrow: boolean,
  yes: Target,
  no: Target,
): Target {
  const compare = isNarrow ? compareNarrow : compareWide;
  return condition.isNegated ? compare(builder, condition, no, yes) : compare(builder, condition, yes, no);
}
