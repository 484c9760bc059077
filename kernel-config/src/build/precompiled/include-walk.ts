import type { SourceEvent, SourceText } from './source-text.ts';

/** What the scan of a source reads. */
export interface WalkContext {
  /** Paths of the headers that are precompiled. */
  readonly precompiled: ReadonlySet<string>;
  /** Every word in them. */
  readonly words: ReadonlySet<string>;
  /** Headers that define a macro for every object, among them. */
  readonly definedBy: ReadonlyMap<string, ReadonlySet<string>>;
  /** Headers the kernel's build itself reads before anything else, with all that they read. */
  readonly alwaysFirst: ReadonlySet<string>;
  /** Functions and macros of them in whose code a late macro was already put in: to each late macro, the names. */
  readonly tainted: ReadonlyMap<string, ReadonlySet<string>>;
  readonly read: (path: string) => SourceText;
  /** Where a file that `from` includes is found; undefined if nowhere. */
  readonly resolve: (from: string, name: string, isQuoted: boolean) => string | undefined;
}

/** A macro that a source or its headers define before a precompiled header that has its name is read; empty for a header not found. */
export interface Conflict {
  readonly macro: string;
  readonly definedIn: string;
  /** Where the precompiled headers have it. */
  readonly readIn: string;
}

export interface WalkResult {
  readonly conflicts: readonly Conflict[];
  /** Late macros (`LATE_MACROS`) that the source defines before their header gives them their default. */
  readonly ownLate: readonly string[];
}

/**
 * Macros that have a default in a header and are otherwise used in bodies of macros only, which are read where those are used; and
 * the header that has the default.
 */
export const LATE_MACROS: Readonly<Record<string, string>> = {
  pr_fmt: 'linux/printk.h',
  dev_fmt: 'linux/dev_printk.h',
};

/** A file that is not precompiled, with what it includes found. */
interface Node {
  readonly path: string;
  readonly text: SourceText;
  readonly events: readonly (
    | MacroEvent
    | { readonly target: Node | Header; readonly isSure: boolean }
    /** A header that is read for sure and was not found: one that is made later, or from a folder of this object only. */
    | { readonly missing: string }
  )[];
  /** Number of the walk in which it was read for sure. */
  seenIn: number;
  /** Number of the walk in which it was perhaps read, and how many macros were defined then. */
  perhapsIn: number;
  perhapsDefined: number;
}

/** A precompiled header: all that is read when it is, one bit for each. */
interface Header {
  readonly path: string;
  readonly sure: BitSet;
  readonly all: BitSet;
}

type MacroEvent = Extract<SourceEvent, { kind: 'macro' }>;
type BitSet = Uint32Array;

/**
 * Reads sources and the headers they include as the compiler does, and finds what a precompiled header would change: gcc has
 * then read those headers before the source's first line, so a macro that the source or another header defines for them comes too late.
 *
 * A macro whose name is in none of them cannot matter. One that is matters if a precompiled header with that word is read
 * after it was defined; where conditions leave that open, it counts as read.
 */
export class IncludeWalker {
  readonly #context: WalkContext;
  readonly #nodes = new Map<string, Node>();
  readonly #paths: readonly string[];
  readonly #headers: ReadonlyMap<string, Header>;
  /** Which headers have a word, found when it is asked for. */
  readonly #withWord = new Map<string, BitSet>();
  readonly #first: BitSet;
  /** Each late macro, and the number of the header that has its default. */
  readonly #lateHeaders: readonly (readonly [string, number])[];
  #walk = 0;

  constructor(context: WalkContext) {
    this.#context = context;
    this.#paths = [...context.precompiled];
    this.#headers = closures(context);
    this.#lateHeaders = Object.entries(LATE_MACROS).map(
      ([macro, header]) => [macro, this.#paths.findIndex((path) => path.endsWith(`/${header}`))] as const,
    );
    this.#first = this.#bits((path) => context.alwaysFirst.has(path));
  }

  walk(source: string): WalkResult {
    const { words, definedBy, alwaysFirst, tainted } = this.#context;
    const walk = ++this.#walk;
    /** Precompiled headers that are read for sure. */
    const seen = this.#first.slice();
    const defined = new Map<string, string>();
    const conflicts = new Map<string, Conflict>();
    const late = new Map<string, 'own' | 'default'>();
    /** Late macros whose default was perhaps given. */
    const perhapsLate = new Set<string>();
    const ownFiles: Node[] = [];

    const readHeader = (header: Header, isSure: boolean): void => {
      if (isWithin(header.all, seen)) return;
      for (const [macro, definedIn] of defined) {
        if (conflicts.has(macro)) continue;
        const found = firstCommon(this.#havingWord(macro), header.all, seen);
        if (found >= 0) conflicts.set(macro, { macro, definedIn, readIn: this.#paths[found] ?? header.path });
      }
      for (const [macro, index] of this.#lateHeaders) {
        if (late.has(macro) || index < 0 || has(seen, index)) continue;
        if (isSure && has(header.sure, index)) late.set(macro, 'default');
        else if (has(header.all, index)) perhapsLate.add(macro);
      }
      if (isSure) for (let at = 0; at < seen.length; at++) seen[at] = (seen[at] ?? 0) | (header.sure[at] ?? 0);
    };
    const define = (event: MacroEvent, path: string, isSure: boolean): void => {
      const { name } = event;
      const lateHeader = LATE_MACROS[name];
      if (lateHeader !== undefined) {
        if (!event.isDefined || late.has(name)) return;
        if (perhapsLate.has(name) || !isSure || !(event.isSure || event.isDefault)) {
          conflicts.set(name, { macro: name, definedIn: path, readIn: lateHeader });
        }
        late.set(name, 'own');
      } else if (words.has(name) && !defined.has(name)) {
        // A default that a header before has already given changes nothing.
        const definers = event.isDefault ? definedBy.get(name) : undefined;
        if (definers && this.#paths.some((header, index) => has(seen, index) && definers.has(header))) return;
        defined.set(name, path);
      }
    };
    const visit = (node: Node, isSure: boolean): void => {
      if (node.seenIn === walk) return;
      if (isSure) node.seenIn = walk;
      else {
        if (node.perhapsIn === walk && node.perhapsDefined === defined.size) return;
        node.perhapsIn = walk;
        node.perhapsDefined = defined.size;
      }
      ownFiles.push(node);
      for (const event of node.events) {
        if ('missing' in event) {
          // What it says is not known.
          const conflict = { macro: '', definedIn: node.path, readIn: event.missing };
          if (isSure) conflicts.set(event.missing, conflict);
        } else if (!('target' in event)) define(event, node.path, isSure);
        else if ('sure' in event.target) readHeader(event.target, isSure && event.isSure);
        else visit(event.target, isSure && event.isSure);
      }
    };
    for (const path of alwaysFirst) if (!this.#headers.has(path)) this.#node(path).seenIn = walk;
    visit(this.#node(source), true);

    const ownLate = Object.keys(LATE_MACROS).filter((macro) => late.get(macro) === 'own');
    for (const macro of ownLate) {
      // A function that has the default in its code already would keep it.
      for (const name of tainted.get(macro) ?? []) {
        const user = ownFiles.find((file) => file.text.words.has(name));
        if (user) conflicts.set(name, { macro, definedIn: user.path, readIn: name });
      }
    }
    return { conflicts: [...conflicts.values()], ownLate };
  }

  #havingWord(word: string): BitSet {
    let bits = this.#withWord.get(word);
    if (!bits) {
      bits = this.#bits((path) => this.#context.read(path).words.has(word));
      this.#withWord.set(word, bits);
    }
    return bits;
  }

  #bits(isIn: (path: string) => boolean): BitSet {
    const bits = emptyBits(this.#paths.length);
    this.#paths.forEach((path, index) => {
      if (isIn(path)) add(bits, index);
    });
    return bits;
  }

  #node(path: string): Node {
    const kept = this.#nodes.get(path);
    if (kept) return kept;
    const { read, resolve } = this.#context;
    const text = read(path);
    const events: Node['events'][number][] = [];
    const node: Node = { path, text, events, seenIn: 0, perhapsIn: 0, perhapsDefined: 0 };
    // Before what it includes: headers include each other in circles.
    this.#nodes.set(path, node);
    for (const event of text.events) {
      if (event.kind === 'macro') {
        // Only what the precompiled headers name can matter.
        if (this.#context.words.has(event.name) || event.name in LATE_MACROS) events.push(event);
        continue;
      }
      const target = resolve(path, event.name, event.isQuoted);
      if (target !== undefined) {
        events.push({ target: this.#headers.get(target) ?? this.#node(target), isSure: event.isSure });
      } else if (event.isSure) events.push({ missing: event.name });
    }
    return node;
  }
}

/** For each precompiled header, which of them are read with it. */
function closures({ precompiled, read, resolve }: WalkContext): Map<string, Header> {
  const paths = [...precompiled];
  const indices = new Map(paths.map((path, index) => [path, index]));
  const included = paths.map((path) =>
    read(path).events.flatMap((event) => {
      const target = event.kind === 'include' ? resolve(path, event.name, event.isQuoted) : undefined;
      // What is not precompiled was not included, under options that are the same for every object.
      const index = target === undefined ? undefined : indices.get(target);
      return event.kind === 'include' && index !== undefined ? [{ index, isSure: event.isSure }] : [];
    }),
  );
  const reach = (start: number, isOnlySure: boolean): BitSet => {
    const bits = emptyBits(paths.length);
    const pending = [start];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (has(bits, index)) continue;
      add(bits, index);
      for (const next of included[index] ?? []) if (!isOnlySure || next.isSure) pending.push(next.index);
    }
    return bits;
  };
  return new Map(paths.map((path, index) => [path, { path, sure: reach(index, true), all: reach(index, false) }]));
}

function emptyBits(length: number): BitSet {
  return new Uint32Array(Math.ceil(length / 32));
}

function add(bits: BitSet, index: number): void {
  bits[index >>> 5] = (bits[index >>> 5] ?? 0) | (1 << (index & 31));
}

function has(bits: BitSet, index: number): boolean {
  return ((bits[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
}

function isWithin(one: BitSet, other: BitSet): boolean {
  for (let at = 0; at < one.length; at++) if (((one[at] ?? 0) & ~(other[at] ?? 0)) !== 0) return false;
  return true;
}

/** Number of the first bit that is in both sets and not in `except`; -1 if none is. */
function firstCommon(one: BitSet, other: BitSet, except: BitSet): number {
  for (let at = 0; at < one.length; at++) {
    const common = (one[at] ?? 0) & (other[at] ?? 0) & ~(except[at] ?? 0);
    if (common !== 0) return at * 32 + 31 - Math.clz32(common & -common);
  }
  return -1;
}
