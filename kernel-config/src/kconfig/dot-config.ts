import type { SymbolValue } from '../fragment/parse-fragment.ts';

/** Values in a finished `.config`; a symbol that is absent or "is not set" is not in the map, which means `n`. */
export type DotConfig = ReadonlyMap<string, SymbolValue>;

/** Reads a `.config` as the kernel's own tools write it. Lines of another form are ignored. */
export function parseDotConfig(text: string): DotConfig {
  const values = new Map<string, SymbolValue>();
  for (const line of text.split('\n')) {
    const match = /^CONFIG_([A-Za-z0-9_]+)=(.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], match[2]);
  }
  return values;
}
