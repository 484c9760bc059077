import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IncludeWalker, type WalkResult } from '../../../../../kernel-config/src/build/precompiled/include-walk.ts';
import { type SourceText, parseSource } from '../../../../../kernel-config/src/build/precompiled/source-text.ts';

/** Headers below `p/` are precompiled; `linux/printk.h` is one of them. */
const HEADERS: Readonly<Record<string, string>> = {
  'p/a.h': '#ifndef _A_H\n#define _A_H\n#include <p/b.h>\n#ifdef WANT_A\nint a;\n#endif\n#endif\n',
  'p/b.h': '#ifndef _B_H\n#define _B_H\n#if WANT_B\nint b;\n#endif\n#endif\n',
  'p/perhaps.h': '#if SOMETHING\n#include <p/a.h>\n#endif\n',
  'p/null.h': '#ifndef NOTHING\n#define NOTHING 0\n#endif\n',
  'p/linux/printk.h': '#ifndef pr_fmt\n#define pr_fmt(fmt) fmt\n#endif\nvoid tainted(void);\n',
  'p/print.h': '#include <p/linux/printk.h>\n',
  'own/sets.h': '#define WANT_A\n',
  'own/sets-nothing.h': '#ifndef NOTHING\n#define NOTHING 1\n#endif\n',
  'own/fmt.h': '#define pr_fmt(fmt) "own: " fmt\n',
};

function walk(source: string, files = HEADERS): WalkResult {
  const texts: Record<string, string> = { ...files, 'main.c': source };
  const read = (path: string): SourceText => parseSource(texts[path] ?? '', () => undefined);
  const precompiled = new Set(Object.keys(texts).filter((path) => path.startsWith('p/')));
  const definedBy = new Map<string, Set<string>>();
  for (const path of precompiled) {
    for (const event of read(path).events) {
      if (event.kind === 'macro') definedBy.set(event.name, (definedBy.get(event.name) ?? new Set<string>()).add(path));
    }
  }
  return new IncludeWalker({
    precompiled,
    words: new Set([...precompiled].flatMap((path) => [...read(path).words])),
    definedBy,
    alwaysFirst: new Set<string>(),
    tainted: new Map([['pr_fmt', new Set(['tainted'])]]),
    read,
    resolve: (_from, name) => (name in texts ? name : undefined),
  }).walk('main.c');
}

const conflictsOf = (source: string): string[] => walk(source).conflicts.map(({ macro }) => macro);

describe('IncludeWalker', () => {
  test.each([
    ['a macro that no header names', '#define OTHER\n#include <p/a.h>\n', []],
    ['a macro before the header that tests it', '#define WANT_A\n#include <p/a.h>\n', ['WANT_A']],
    ['one that is undefined there', '#undef WANT_A\n#include <p/a.h>\n', ['WANT_A']],
    ['a macro after the header', '#include <p/a.h>\n#define WANT_A\n', []],
    ['a macro before a header that is read by another', '#define WANT_B 1\n#include <p/a.h>\n', ['WANT_B']],
    ['a macro between, which the later one tests', '#include <p/b.h>\n#define WANT_A\n#include <p/a.h>\n', ['WANT_A']],
    ['a macro between, which the first one tests', '#include <p/b.h>\n#define WANT_B\n#include <p/a.h>\n', []],
    ['a macro of a header of its own', '#include "own/sets.h"\n#include <p/a.h>\n', ['WANT_A']],
    ['a macro that is perhaps defined', '#if X\n#define WANT_A\n#endif\n#include <p/a.h>\n', ['WANT_A']],
    ['a header that is perhaps read before', '#include <p/perhaps.h>\n#define WANT_A\n#include <p/a.h>\n', ['WANT_A']],
    ['a header that is perhaps read after', '#define WANT_A\n#include <p/perhaps.h>\n', ['WANT_A']],
    [
      'a default after that of the header',
      '#include <p/null.h>\n#include "own/sets-nothing.h"\n#include <p/null.h>\n',
      [],
    ],
    ['a default before that of the header', '#include "own/sets-nothing.h"\n#include <p/null.h>\n', ['NOTHING']],
  ])('%s', (_name, source, conflicts) => {
    expect(conflictsOf(source)).toEqual(conflicts);
  });

  test('passes no source that reads a header which is not found, unless it may not read it', () => {
    expect(walk('#include <later.h>\n').conflicts.map(({ readIn }) => readIn)).toEqual(['later.h']);
    expect(conflictsOf('#if OTHER_MACHINE\n#include <later.h>\n#endif\n')).toEqual([]);
  });

  test.each([
    ['is the default where it is not defined', '#include <p/print.h>\n', [], []],
    ['is its own where it is defined first', '#define pr_fmt(x) x\n#include <p/print.h>\n', ['pr_fmt'], []],
    ['is its own where a header defines it first', '#include "own/fmt.h"\n#include <p/print.h>\n', ['pr_fmt'], []],
    ['is the default where it is defined too late', '#include <p/print.h>\n#include "own/fmt.h"\n', [], []],
    [
      'is not known where a condition decides',
      '#if X\n#define pr_fmt(x) x\n#endif\n#include <p/print.h>\n',
      ['pr_fmt'],
      ['pr_fmt'],
    ],
    [
      'is not its own in a function of a header',
      '#define pr_fmt(x) x\n#include <p/print.h>\nvoid f(void) { tainted(); }\n',
      ['pr_fmt'],
      ['pr_fmt'],
    ],
  ])('pr_fmt %s', (_name, source, ownLate, conflicts) => {
    const result = walk(source);
    expect(result.ownLate).toEqual(ownLate);
    expect(result.conflicts.map(({ macro }) => macro)).toEqual(conflicts);
  });

  test('never passes a source that changes what a precompiled header says', () => {
    // Headers that test macros and include each other, and sources that define those and include headers, at random.
    const macro = fc.constantFrom('M0', 'M1', 'M2');
    const header = fc.constantFrom('p/0.h', 'p/1.h', 'p/2.h', 'o/0.h', 'o/1.h');
    const line = fc.oneof(
      macro.map((name) => `#define ${name}`),
      macro.map((name) => `#undef ${name}`),
      header.map((name) => `#include <${name}>`),
      fc.tuple(macro, macro).map(([test_, name]) => `#ifdef ${test_}\n#define ${name}\n#endif`),
      fc.tuple(macro, header).map(([test_, name]) => `#ifndef ${test_}\n#include <${name}>\n#endif`),
    );
    const ownText = fc.array(line, { maxLength: 5 });
    const headerLine = fc.oneof(
      macro.map((name) => `#ifdef ${name}\nint is_${name};\n#endif`),
      fc.constantFrom('p/0.h', 'p/1.h', 'p/2.h').map((name) => `#include <${name}>`),
      fc
        .tuple(macro, fc.constantFrom('p/0.h', 'p/1.h'))
        .map(([test_, name]) => `#ifdef ${test_}\n#include <${name}>\n#endif`),
    );
    const headerText = fc.array(headerLine, { maxLength: 4 });
    const passes = { count: 0 };
    fc.assert(
      fc.property(headerText, headerText, headerText, ownText, ownText, ownText, (p0, p1, p2, o0, o1, main) => {
        const files = Object.fromEntries(
          [p0, p1, p2, o0, o1].map((lines, index) => {
            const name = index < 3 ? `p/${index}.h` : `o/${index - 3}.h`;
            const guard = name.replace(/\W/g, '_').toUpperCase();
            return [name, [`#ifndef ${guard}`, `#define ${guard}`, ...lines, '#endif', ''].join('\n')];
          }),
        );
        const source = main.join('\n');
        if (walk(source, files).conflicts.length > 0) return;
        passes.count++;
        const alone = preprocess(source, files, []);
        const together = preprocess(source, files, ['p/0.h', 'p/1.h', 'p/2.h']);
        // Each header that is read alone says then what it says when all are read first.
        for (const [name, text] of alone) expect([name, text]).toEqual([name, together.get(name)]);
      }),
      { numRuns: 2000 },
    );
    expect(passes.count).toBeGreaterThan(100);
  });
});

/** A small preprocessor: what each precompiled header says, when some are read before the source. */
function preprocess(
  source: string,
  files: Readonly<Record<string, string>>,
  first: readonly string[],
): Map<string, string> {
  const said = new Map<string, string>();
  const defined = new Set<string>();
  const run = (name: string, text: string): void => {
    const conditions: boolean[] = [];
    for (const line of text.split('\n')) {
      const [, directive, argument = ''] = /^#(\w+) ?<?([^>]*)>?$/.exec(line) ?? [];
      if (directive === 'endif') conditions.pop();
      else if (conditions.includes(false)) {
        if (directive?.startsWith('if') === true) conditions.push(false);
      } else if (directive === 'ifdef') conditions.push(defined.has(argument));
      else if (directive === 'ifndef') conditions.push(!defined.has(argument));
      else if (directive === 'define') defined.add(argument);
      else if (directive === 'undef') defined.delete(argument);
      else if (directive === 'include') run(argument, files[argument] ?? '');
      else if (name.startsWith('p/') && line !== '') said.set(name, `${said.get(name) ?? ''}${line}`);
      if (name.startsWith('p/') && directive === 'define') said.set(name, said.get(name) ?? '');
    }
  };
  for (const name of first) run(name, files[name] ?? '');
  run('main.c', source);
  return said;
}
