import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { type KnownMacro, type SourceText, parseSource } from './source-text.ts';
import { IncludeWalker, LATE_MACROS, type WalkContext } from './include-walk.ts';
import { findCandidates } from './kbuild-candidates.ts';

/** A kernel source with its configuration. */
export interface ScanOptions {
  readonly sourceFolder: string;
  readonly objectFolder: string;
  /** Name of the architecture's folder in the source. */
  readonly sourceArch: string;
  /** Folders that are searched for headers, absolute. */
  readonly searchFolders: readonly string[];
  /** Absolute paths of the headers that are precompiled. */
  readonly precompiled: readonly string[];
  /** Names that a late macro went into, by macro. */
  readonly tainted: ReadonlyMap<string, ReadonlySet<string>>;
  /** Sources that do without. */
  readonly without: ReadonlySet<string>;
}

/** A source that gets the precompiled headers. */
export interface Eligible {
  /** Its object, relative to the object folder. */
  readonly object: string;
  /** Late macros that it defines itself. */
  readonly ownLate: readonly string[];
}

/** Folders of the source that a kernel's own code is in, besides its architecture's. */
const CODE_FOLDERS = ['block', 'crypto', 'drivers', 'fs', 'init', 'ipc', 'kernel', 'lib', 'mm', 'net', 'security'];

/** Parts of an architecture that are programs of their own, with flags of their own. */
const OTHER_PROGRAMS = /^arch\/\w+\/(?:boot|entry\/vdso|realmode|purgatory|tools|um)\//;

/** Headers that the kernel's build reads before a source (`-include`). */
const ALWAYS_FIRST = ['linux/kconfig.h', 'linux/compiler_types.h'];

/** Finds which sources of a configuration a precompiled header changes nothing for. */
export function scanTree(options: ScanOptions): Eligible[] {
  const { sourceFolder, objectFolder, sourceArch, without } = options;
  const symbols = readSymbols(join(objectFolder, 'include/generated/autoconf.h'));
  const walker = new IncludeWalker(walkContext(options, symbols));
  const candidates = [`arch/${sourceArch}`, ...CODE_FOLDERS].flatMap((folder) =>
    findCandidates(folder, {
      list: (path) => {
        const entries = readdirSync(join(sourceFolder, path), { withFileTypes: true });
        const names = (isFolder: boolean): string[] =>
          entries.filter((entry) => entry.isDirectory() === isFolder).map(({ name }) => name);
        return { files: names(false), folders: names(true) };
      },
      readText: (path) => readFileSync(join(sourceFolder, path), 'utf8'),
      isOn: (symbol) => symbols.has(symbol) || symbols.has(`${symbol}_MODULE`),
    }),
  );
  const eligible: Eligible[] = [];
  for (const source of candidates) {
    if (without.has(source) || OTHER_PROGRAMS.test(source)) continue;
    const { conflicts, ownLate } = walker.walk(join(sourceFolder, source));
    if (conflicts.length === 0) eligible.push({ object: source.replace(/\.c$/, '.o'), ownLate });
  }
  return eligible;
}

/** What a walk from each source needs, with everything that is read kept. */
export function walkContext(options: ScanOptions, symbols: ReadonlySet<string>): WalkContext {
  const known = knownMacros(symbols);
  const texts = new Map<string, SourceText>();
  const read = (path: string): SourceText => {
    const kept = texts.get(path);
    if (kept) return kept;
    const text = parseSource(readFileSync(path, 'utf8'), known);
    texts.set(path, text);
    return text;
  };
  const found = new Map<string, string | undefined>();
  const lookUp = (folders: readonly string[], name: string): string | undefined =>
    folders.map((folder) => normalize(join(folder, name))).find((path) => existsSync(path));
  const resolve = (from: string, name: string, isQuoted: boolean): string | undefined => {
    const folder = dirname(from);
    const key = isQuoted ? `${folder}\n${name}` : name;
    if (!found.has(key)) {
      // The folder of an object is searched too: a bracketed header that is only there is found by its source's folder.
      found.set(key, lookUp([...(isQuoted ? [folder] : []), ...options.searchFolders], name));
    }
    return found.get(key) ?? (isQuoted ? undefined : lookUp([folder], name));
  };
  const precompiled = new Set(options.precompiled);
  const words = new Set<string>();
  const definedBy = new Map<string, Set<string>>();
  for (const path of precompiled) {
    const text = read(path);
    for (const word of text.words) words.add(word);
    for (const event of text.events) {
      if (event.kind !== 'macro' || !event.isDefined || !event.isSure) continue;
      const files = definedBy.get(event.name);
      if (files) files.add(path);
      else definedBy.set(event.name, new Set([path]));
    }
  }
  const alwaysFirst = new Set<string>();
  const markFirst = (path: string): void => {
    if (alwaysFirst.has(path)) return;
    alwaysFirst.add(path);
    for (const event of read(path).events) {
      if (event.kind !== 'include' || !event.isSure) continue;
      const header = resolve(path, event.name, event.isQuoted);
      if (header !== undefined) markFirst(header);
    }
  };
  for (const name of ALWAYS_FIRST) {
    const path = resolve('/', name, false);
    if (path !== undefined) markFirst(path);
  }
  return { precompiled, words, definedBy, alwaysFirst, tainted: options.tainted, read, resolve };
}

/** What is known of macros in every object: those of the configuration and of the language. */
export function knownMacros(symbols: ReadonlySet<string>): KnownMacro {
  return (name) => {
    if (name.startsWith('CONFIG_')) return symbols.has(name);
    if (name === '__KERNEL__' || name === '__GNUC__') return true;
    if (/^(?:__ASSEMBLY__|__ASSEMBLER__|__cplusplus|__clang__|__CHECKER__|__GENKSYMS__)$/.test(name)) return false;
    return undefined;
  };
}

function readSymbols(path: string): Set<string> {
  const text = readFileSync(path, 'utf8');
  return new Set([...text.matchAll(/^#define (CONFIG_\w+) /gm)].map((match) => match[1] ?? ''));
}

/** Names of the headers to read after the precompiled one, for each choice of late macros. */
export function nameHeaderOf(ownLate: readonly string[]): string {
  return ['names', ...ownLate].join('-');
}

/** Every choice of late macros. */
export function lateChoices(): string[][] {
  return Object.keys(LATE_MACROS).reduce<string[][]>(
    (choices, macro) => [...choices, ...choices.map((choice) => [...choice, macro])],
    [[]],
  );
}
