/** Reads a folder of the source: names of its files, and of its folders. */
export interface SourceFolder {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** What the search for sources reads. */
export interface SourceTree {
  readonly list: (folder: string) => SourceFolder;
  readonly readText: (path: string) => string;
  /** Whether a symbol such as `CONFIG_NET` is on. */
  readonly isOn: (symbol: string) => boolean;
}

const MAKEFILES = ['Kbuild', 'Makefile'];

/**
 * C files below `folder` that this configuration may compile: all but those that every mention in their folder's Makefile makes
 * depend on a symbol that is off. More than are compiled, since what a Makefile computes is not followed; each costs only a scan.
 */
export function findCandidates(folder: string, tree: SourceTree): string[] {
  const { files, folders } = tree.list(folder);
  const makefiles = files.filter((name) => MAKEFILES.includes(name));
  if (makefiles.length === 0) return [];
  const isOff = offWords(makefiles.map((name) => tree.readText(`${folder}/${name}`)).join('\n'), tree.isOn);
  return [
    ...files
      .filter((name) => name.endsWith('.c') && !isOff(name.replace(/\.c$/, '.o')))
      .map((name) => `${folder}/${name}`),
    ...folders.filter((name) => !isOff(`${name}/`)).flatMap((name) => findCandidates(`${folder}/${name}`, tree)),
  ];
}

/** Which words stand in the Makefile after symbols that are off only. */
function offWords(text: string, isOn: (symbol: string) => boolean): (word: string) => boolean {
  const on = new Set<string>();
  const off = new Set<string>();
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    const symbol = /^\s*[\w-]*-\$\((CONFIG_\w+)\)\s*[:+]?=/.exec(line)?.[1];
    const words = symbol === undefined || isOn(symbol) ? on : off;
    for (const word of line.replace(/#.*/, '').split(/\s+/)) words.add(word);
  }
  return (word) => off.has(word) && !on.has(word);
}
