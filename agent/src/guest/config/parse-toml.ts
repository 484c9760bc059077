import { parse } from 'smol-toml';

/** Nesting that a configuration file may have; upstream's own has two levels. */
const MAX_DEPTH = 16;

/** Longest text of an error: the parser shows the line, and a line may be as long as the file. */
const MAX_ERROR_TEXT = 500;

/** Parses TOML; integers that a double cannot hold come as bigint. Throws with line and column. */
export function parseToml(text: string): Record<string, unknown> {
  try {
    return parse(text, { integersAsBigInt: 'asNeeded', maxDepth: MAX_DEPTH });
  } catch (error) {
    if (!(error instanceof Error) || error.message.length <= MAX_ERROR_TEXT) throw error;
    throw new Error(`${error.message.slice(0, MAX_ERROR_TEXT)}...`);
  }
}
