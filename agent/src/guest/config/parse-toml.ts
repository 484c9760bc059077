import { parse } from 'smol-toml';

/** Nesting that a configuration file may have; upstream's own has two levels. */
const MAX_DEPTH = 16;

/** Parses TOML; integers that a double cannot hold come as bigint. Throws with line and column. */
export function parseToml(text: string): Record<string, unknown> {
  return parse(text, { integersAsBigInt: 'asNeeded', maxDepth: MAX_DEPTH });
}
