import { describe, expect, test } from 'vitest';
import {
  type KnownMacro,
  parseSource,
  withoutComments,
} from '../../../../../kernel-config/src/build/precompiled/source-text.ts';

const nothing: KnownMacro = () => undefined;
const known: KnownMacro = (name) =>
  ({ CONFIG_ON: true, CONFIG_OFF: false, CONFIG_OFF_MODULE: false, CONFIG_M_MODULE: true, CONFIG_M: false })[name];

/** Events as short text: `?` before what is not sure, `~` after what is a default. */
function short(text: string, knownMacro = known): string[] {
  return parseSource(text, knownMacro).events.map((event) => {
    const sure = event.isSure ? '' : '?';
    if (event.kind === 'include') return `${sure}${event.isQuoted ? `"${event.name}"` : event.name}`;
    return `${sure}${event.isDefined ? '' : '!'}${event.name}${event.isDefault ? '~' : ''}`;
  });
}

describe('parseSource()', () => {
  test.each([
    [
      'includes and macros in their order',
      '#include <a.h>\n#define A 1\n # include "b/c.h"\n#undef A\n',
      ['a.h', 'A', '"b/c.h"', '!A'],
    ],
    ['a macro with arguments', '#define F(x) x\n', ['F']],
    ['nothing in comments', '/* #define A\n#include <a.h> */ // #define B\n', []],
    ['a comment within a directive', '#define /* why */ A\n', ['A']],
    ['no comment within a string', 'char *s = "/*";\n#define A "*/"\n', ['A']],
    ['a directive on two lines', '#define \\\n A\n', ['A']],
    ['an option that is on', '#ifdef CONFIG_ON\n#define A\n#else\n#define B\n#endif\n', ['A']],
    [
      'an option that is off',
      '#if IS_ENABLED(CONFIG_OFF)\n#define A\n#elif 1\n#define B\n#else\n#define C\n#endif\n',
      ['B'],
    ],
    [
      'an option that is a module',
      '#if IS_ENABLED(CONFIG_M)\n#define A\n#endif\n#if IS_BUILTIN(CONFIG_M)\n#define B\n#endif\n',
      ['A'],
    ],
    [
      'both branches of what is not known',
      '#if X > 2\n#define A\n#else\n#define B\n#endif\n#define C\n',
      ['?A', '?B', 'C'],
    ],
    [
      'what follows a branch that is not known',
      '#if X\n#define A\n#elif 1\n#define B\n#else\n#define C\n#endif\n',
      ['?A', '?B'],
    ],
    ['a guard', '#ifndef _A_H\n#define _A_H\n#include <b.h>\n#endif\n', ['_A_H~', 'b.h']],
    ['no guard where another macro is defined', '#ifndef A\n#define B\n#endif\n', ['?B']],
    [
      'a default',
      '#include <a.h>\n#ifndef A\n#define A 1\n#endif\n#if !defined(B)\n#define B\n#endif\n',
      ['a.h', '?A~', '?B~'],
    ],
    ['no default in the other branch', '#include <a.h>\n#ifndef A\n#else\n#define A 1\n#endif\n', ['a.h', '?A']],
  ])('finds %s', (_name, text, events) => {
    expect(short(text)).toEqual(events);
  });

  test('finds words, but not those of comments and strings', () => {
    expect([...parseSource('int a; /* b */ char *c = "d e"; // f\n', nothing).words]).toEqual([
      'int',
      'a',
      'char',
      'c',
    ]);
  });

  test('a string keeps a comment from beginning, and a comment a string', () => {
    expect(withoutComments('a "/* b" c /* " */ d')).toBe('a "/* b" c   d');
  });
});
