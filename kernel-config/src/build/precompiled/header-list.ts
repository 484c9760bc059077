import { join } from 'node:path';
import { BuildFailure } from '../failure.ts';

/** The list in the repository. */
export const HEADER_LIST_FILE = join(import.meta.dirname, '..', '..', '..', 'precompiled-headers.conf');

export interface HeaderList {
  /** Headers as `#include <...>` names them, in the order in which they are precompiled. */
  readonly headers: readonly string[];
  /** Sources that are compiled without them, though nothing in their text speaks against it. */
  readonly without: ReadonlySet<string>;
}

/**
 * Reads `precompiled-headers.conf`: in each line `header linux/fs.h` or `without lib/sort.c`; `#` begins a comment line.
 *
 * @throws {BuildFailure} naming the line.
 */
export function parseHeaderList(text: string): HeaderList {
  const headers = new Set<string>();
  const without = new Set<string>();
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const [, kind, name = ''] = /^(header|without) ([a-z][\w-]*(?:\/[\w-]+)*\.[ch])$/.exec(line) ?? [];
    const where = `precompiled-headers.conf, line ${index + 1}`;
    if (kind === undefined || name.endsWith('.c') !== (kind === 'without')) {
      throw new BuildFailure(`${where}: "${line}" is neither "header NAME.h" nor "without FILE.c"`);
    }
    const list = kind === 'header' ? headers : without;
    if (list.has(name)) throw new BuildFailure(`${where}: "${name}" is there twice`);
    list.add(name);
  });
  return { headers: [...headers], without };
}
