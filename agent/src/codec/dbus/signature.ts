import { DbusError } from './dbus-error.ts';

/** Codes of the basic types (D-Bus specification, "Type System"). */
export type BasicCode = 'y' | 'b' | 'n' | 'q' | 'i' | 'u' | 'x' | 't' | 'd' | 's' | 'o' | 'g' | 'h';

/** A complete type. */
export type DbusType =
  | { readonly kind: 'basic'; readonly code: BasicCode }
  | { readonly kind: 'variant' }
  | { readonly kind: 'array'; readonly element: DbusType }
  /** A struct, or the entry of a dictionary, which is two fields on the wire as well. */
  | { readonly kind: 'struct'; readonly fields: readonly DbusType[] };

/** Of the specification, "Valid Signatures". */
const maxSignatureLength = 255;
const maxArrayDepth = 32;
const maxStructDepth = 32;

const alignments: Readonly<Record<BasicCode, number>> = {
  ...{ y: 1, b: 4, n: 2, q: 2, i: 4, u: 4, x: 8, t: 8, d: 8, s: 4, o: 4, g: 1, h: 4 },
};

function isBasic(code: string): code is BasicCode {
  return Object.hasOwn(alignments, code);
}

/** Bytes that a value of this type is aligned to. */
export function alignmentOf(type: DbusType): number {
  switch (type.kind) {
    case 'basic':
      return alignments[type.code];
    case 'variant':
      return 1;
    case 'array':
      return 4;
    case 'struct':
      return 8;
  }
}

class SignatureReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  read(arrays: number, structs: number): DbusType {
    const code = this.#text[this.#at++] ?? '';
    if (isBasic(code)) return { kind: 'basic', code };
    if (code === 'v') return { kind: 'variant' };
    if (code === 'a') {
      if (arrays >= maxArrayDepth) throw this.#broken('arrays are nested too deeply');
      if (this.#text[this.#at] !== '{') return { kind: 'array', element: this.read(arrays + 1, structs) };
      this.#at++;
      const fields = this.#fields('}', arrays + 1, structs);
      if (fields.length !== 2 || fields[0]?.kind !== 'basic') throw this.#broken('a dictionary maps a basic type');
      return { kind: 'array', element: { kind: 'struct', fields } };
    }
    if (code === '(') {
      const fields = this.#fields(')', arrays, structs);
      if (fields.length === 0) throw this.#broken('an empty struct');
      return { kind: 'struct', fields };
    }
    throw this.#broken(code === '' ? 'it ends early' : `${JSON.stringify(code)} is no type`);
  }

  #fields(end: string, arrays: number, structs: number): DbusType[] {
    if (structs >= maxStructDepth) throw this.#broken('structs are nested too deeply');
    const fields: DbusType[] = [];
    while (this.#text[this.#at] !== end) fields.push(this.read(arrays, structs + 1));
    this.#at++;
    return fields;
  }

  #broken(reason: string): DbusError {
    return new DbusError(`signature ${JSON.stringify(this.#text)}: ${reason}`);
  }
}

/** The complete types that a signature lists. Throws DbusError. */
export function parseSignature(text: string): readonly DbusType[] {
  if (text.length > maxSignatureLength) throw new DbusError(`signature of ${text.length} bytes`);
  const reader = new SignatureReader(text);
  const types: DbusType[] = [];
  while (!reader.isAtEnd) types.push(reader.read(0, 0));
  return types;
}

/** The type of a signature with one complete type. Throws DbusError. */
export function parseSingleType(text: string): DbusType {
  const [type, ...more] = parseSignature(text);
  if (type === undefined || more.length > 0) {
    throw new DbusError(`signature ${JSON.stringify(text)}: not one complete type`);
  }
  return type;
}
