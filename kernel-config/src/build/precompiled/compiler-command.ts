/** An ordinary compilation of a kernel build, taken apart. */
export interface CompilerCommand {
  readonly compiler: string;
  /** Where headers are looked for, in this order, as the command has them. */
  readonly searchFolders: readonly string[];
  /** `-D` words. */
  readonly defines: readonly string[];
  /** Words that decide about the code: neither folders, macros, warnings nor files. */
  readonly codeFlags: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Takes the compiler's command out of a `.cmd` file, as fixdep writes it beside every object. Undefined when it is not such a
 * command. What names the object (`KBUILD_MODNAME` and so on) is left out, and the folders of that one object.
 */
export function parseCommandFile(text: string): CompilerCommand | undefined {
  const line = /^savedcmd_\S+ := (.*)$/m.exec(text)?.[1];
  if (line === undefined) return undefined;
  const words: string[] = line.split(';', 1)[0]?.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  const [compiler, ...rest] = words;
  if (compiler === undefined || !words.includes('-nostdinc')) return undefined;
  const searchFolders: string[] = [];
  const defines: string[] = [];
  const codeFlags: string[] = [];
  const warnings: string[] = [];
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? '';
    if (word === '-include' || word === '-o') index++;
    else if (word.startsWith('-I')) {
      const folder = word === '-I' ? (rest[++index] ?? '') : word.slice(2);
      if (folder !== '.' && !folder.endsWith('/.')) searchFolders.push(folder);
    } else if (word.startsWith('-D')) {
      if (!/^-D(?:__)?KBUILD_/.test(word)) defines.push(word);
    } else if (word.startsWith('-Wp,') || ['-nostdinc', '-c', '-S', '-fverbose-asm'].includes(word)) continue;
    else if (word.startsWith('-W')) warnings.push(word);
    else if (word.startsWith('-')) codeFlags.push(word);
  }
  return { compiler, searchFolders, defines, codeFlags, warnings };
}
