/**
 * Message types as compact text, compiled when first used.
 *
 * Each message is one line, `Name field:1s other:2m5* ...`: field name, number, kind letter (below), for `m` the index of the
 * message's line, then a label: `*` repeated, `?` a scalar whose absence is visible, `{` the value of a map keyed by string.
 * A hundred messages cost some 8 KB of text in the guest instead of 200 functions (bytecode takes 2.3 times its size in
 * heap), and every limit and check lives in one reader.
 */
export type SchemaLines = readonly string[];

/** Kinds, in the order in which the reader and the writer test them (a `switch` costs 5 ns a case on the engine). */
export const KIND_STRING = 0;
export const KIND_MESSAGE = 1;
export const KIND_UINT32 = 2;
export const KIND_UINT64 = 3;
export const KIND_INT64 = 4;
export const KIND_BOOL = 5;
export const KIND_BYTES = 6;
export const KIND_INT32 = 7;
export const KIND_ENUM = 8;

/** Letters of the kinds in a schema line, by kind number. */
export const KIND_LETTERS = 'smuUIbyie';

/** What the reader does with a value: the label and the common kinds in one number. */
export const ACTION_STRING = 0;
export const ACTION_MESSAGE = 1;
export const ACTION_REPEATED = 2;
export const ACTION_MAP = 3;
export const ACTION_SCALAR = 4;

export type FieldLabel = 'single' | 'optional' | 'repeated' | 'map';

export interface FieldType {
  readonly name: string;
  readonly number: number;
  readonly kind: number;
  readonly label: FieldLabel;
  /** Wire type of a single value: 0 varint, 2 length-delimited. */
  readonly wireType: number;
  /** Number and wire type as on the wire. */
  readonly tag: number;
  /** One of ACTION_*. */
  readonly action: number;
  /** Index of the message type, or -1. */
  readonly messageIndex: number;
  /** Value when absent; undefined when absence is visible. */
  readonly fallback: unknown;
}

export interface MessageType {
  readonly name: string;
  /** In order of their numbers, as they are written. */
  readonly fields: readonly FieldType[];
  readonly byNumber: readonly (FieldType | undefined)[];
  /**
   * Prototype of decoded messages: the values of absent fields, itself without a prototype. Not frozen, since a read-only
   * property of a prototype cannot be assigned on the objects below it.
   */
  readonly fallbacks: object;
}

/** The value of every absent repeated field. Frozen, so that no message can grow into another. */
export const EMPTY_LIST: readonly never[] = Object.freeze([]);

/** The value of every absent map field. A Map cannot be frozen; the types of decoded messages are read-only. */
export const EMPTY_MAP: ReadonlyMap<string, never> = new Map<string, never>();

const EMPTY_BYTES = new Uint8Array(0);

/** Values of absent scalars, by kind number. */
export const SCALAR_FALLBACKS: readonly unknown[] = ['', undefined, 0, 0n, 0n, false, EMPTY_BYTES, 0, 0];

function actionOf(kind: number, label: FieldLabel): number {
  if (label === 'repeated') return ACTION_REPEATED;
  if (label === 'map') return ACTION_MAP;
  return kind === KIND_STRING ? ACTION_STRING : kind === KIND_MESSAGE ? ACTION_MESSAGE : ACTION_SCALAR;
}

function compileField(text: string): FieldType {
  const colon = text.indexOf(':');
  let end = colon + 1;
  while (text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++;
  const kind = KIND_LETTERS.indexOf(text.charAt(end));
  const last = text.charAt(text.length - 1);
  const label = last === '*' ? 'repeated' : last === '?' ? 'optional' : last === '{' ? 'map' : 'single';
  const rest = text.slice(end + 1, label === 'single' ? text.length : -1);
  const number = Number(text.slice(colon + 1, end)) | 0;
  const wireType = label === 'map' || kind === KIND_STRING || kind === KIND_MESSAGE || kind === KIND_BYTES ? 2 : 0;
  return {
    name: text.slice(0, colon),
    number,
    kind,
    label,
    wireType,
    tag: (number << 3) | wireType,
    action: actionOf(kind, label),
    messageIndex: kind === KIND_MESSAGE ? Number(rest) | 0 : -1,
    fallback:
      label === 'repeated'
        ? EMPTY_LIST
        : label === 'map'
          ? EMPTY_MAP
          : label === 'optional'
            ? undefined
            : SCALAR_FALLBACKS[kind],
  };
}

function compileMessage(line: string): MessageType {
  const [name = '', ...texts] = line.split(' ');
  const fields = texts.map(compileField);
  const byNumber: (FieldType | undefined)[] = [];
  const fallbacks = Object.create(null) as Record<string, unknown>;
  for (const field of fields) {
    while (byNumber.length < field.number) byNumber.push(undefined);
    byNumber[field.number] = field;
    fallbacks[field.name] = field.fallback;
  }
  return { name, fields, byNumber, fallbacks };
}

/** A set of message types that refer to each other by index. */
export class Schema {
  readonly #lines: SchemaLines;
  readonly #types: (MessageType | undefined)[] = [];

  constructor(lines: SchemaLines) {
    this.#lines = lines;
  }

  /** The message type of a line. Throws RangeError for an index that the generator did not make. */
  type(index: number): MessageType {
    const known = this.#types[index];
    if (known !== undefined) return known;
    const line = this.#lines[index];
    if (line === undefined) throw new RangeError(`no message type ${index} of ${this.#lines.length}`);
    while (this.#types.length < index) this.#types.push(undefined);
    const compiled = compileMessage(line);
    this.#types[index] = compiled;
    return compiled;
  }
}
