/** A spot in a JSON document, kept as a chain because the text of it is needed only in errors. */
export interface JsonPlace {
  /** `linux.namespaces[2]`; empty for the document itself. */
  readonly path: string;
}

const plainKey = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Longest piece of outside text shown in an error. */
const shown = 80;

/** Outside text for an error: quoted, and cut when long. */
export function quote(text: string): string {
  return text.length > shown ? `${JSON.stringify(text.slice(0, shown))}...` : JSON.stringify(text);
}

/** The path of a member: `a.b`, or `a["b.c"]` for a key that is no plain name. */
export function memberPath(parent: string, key: string): string {
  if (key.length > shown || !plainKey.test(key)) return `${parent}[${quote(key)}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

/** What a JSON value is, in words. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number';
  return `a ${typeof value}`;
}
