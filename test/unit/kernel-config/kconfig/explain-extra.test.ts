import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeFragments } from '../../../../kernel-config/src/fragment/merge-fragments.ts';
import { parseFragment } from '../../../../kernel-config/src/fragment/parse-fragment.ts';
import { parseDotConfig } from '../../../../kernel-config/src/kconfig/dot-config.ts';
import { findExtras, formatChain } from '../../../../kernel-config/src/kconfig/explain-extra.ts';
import { readKconfigTree } from '../../../../kernel-config/src/kconfig/kconfig-tree.ts';

const KCONFIG = `
config NET
	bool "Network"
	select NET_CORE_HELP if INET
	select UNUSED if NO_SUCH
	imply NICE
config NET_CORE_HELP
	bool
	select DEEP
config DEEP
	bool "Deep"
config NICE
	bool "Nice to have"
config INET
	bool "Internet"
config CUBIC
	bool "Congestion"
	depends on INET
	default y if !NO_SUCH
config HIDDEN
	def_bool y if NET
	def_bool n
choice
	prompt "One of"
	depends on NET
	default FIRST
config FIRST
	bool "First"
config SECOND
	bool "Second"
endchoice
config ARCHITECTURE
	def_bool y
	select FROM_ARCHITECTURE
config FROM_ARCHITECTURE
	bool
config COMPUTED
	bool
	default $(cc-option,-fthing)
config CIRCLE_A
	bool
	select CIRCLE_B
config CIRCLE_B
	bool
	select CIRCLE_A
`;

function extrasOf(fragment: string, result: string, kconfig = KCONFIG): Record<string, string> {
  const requests = mergeFragments([parseFragment('f', fragment)]);
  const declarations = readKconfigTree('Kconfig', 'x86', (path) => (path === 'Kconfig' ? kconfig : undefined));
  const baseline = parseDotConfig('CONFIG_ARCHITECTURE=y\n');
  const extras = findExtras(requests, parseDotConfig(result), baseline, declarations);
  return Object.fromEntries(
    extras.map(({ name, isSettable, chain }) => [name + (isSettable ? '*' : ''), formatChain(chain)]),
  );
}

const on = (...names: string[]): string => names.map((name) => `CONFIG_${name}=y`).join('\n');

describe('findExtras()', () => {
  test('says nothing about what was asked for, what is off and what the architecture always has', () => {
    expect(extrasOf('CONFIG_NET=y', on('NET', 'ARCHITECTURE') + '\n# CONFIG_DEEP is not set')).toEqual({});
  });

  test('follows select to the request, through symbols that nobody asked for', () => {
    expect(extrasOf('CONFIG_NET=y\nCONFIG_INET=y', on('NET', 'INET', 'NET_CORE_HELP', 'DEEP'))).toEqual({
      'DEEP*':
        'selected by NET_CORE_HELP (Kconfig:9) <- selected by NET if INET (Kconfig:4) <- asked for in f.config:1',
      NET_CORE_HELP: 'selected by NET if INET (Kconfig:4) <- asked for in f.config:1',
    });
  });

  test('tells imply from select', () => {
    expect(extrasOf('CONFIG_NET=y', on('NET', 'NICE'))).toEqual({
      'NICE*': 'implied by NET (Kconfig:6) <- asked for in f.config:1',
    });
  });

  test('tells a default with its condition and the request that let it in', () => {
    expect(extrasOf('CONFIG_INET=y\nCONFIG_NET=y', on('NET', 'INET', 'CUBIC', 'HIDDEN'))).toEqual({
      'CUBIC*': 'on by default if !NO_SUCH (Kconfig:16) <- asked for in INET in f.config:1',
      HIDDEN: 'on by default if NET (Kconfig:20) <- asked for in NET in f.config:2',
    });
  });

  test('tells the default of a choice', () => {
    expect(extrasOf('CONFIG_NET=y', on('NET', 'FIRST'))).toEqual({
      'FIRST*': 'the default of a choice (Kconfig:27) <- asked for in NET in f.config:1',
    });
  });

  test('ends at the architecture, or at what only Kconfig can compute', () => {
    expect(extrasOf('CONFIG_NET=y', on('NET', 'ARCHITECTURE', 'FROM_ARCHITECTURE', 'COMPUTED', 'GONE'))).toEqual({
      COMPUTED: 'on by default if $(cc-option,-fthing) (Kconfig:37)',
      FROM_ARCHITECTURE: 'selected by ARCHITECTURE (Kconfig:34) <- which the architecture always has',
      GONE: 'for a reason Kconfig computes',
    });
  });

  test('ends in a circle of selects', () => {
    expect(extrasOf('CONFIG_NET=y', on('NET', 'CIRCLE_A', 'CIRCLE_B'))).toEqual({
      CIRCLE_A: 'for a reason Kconfig computes',
      CIRCLE_B: 'for a reason Kconfig computes',
    });
  });

  test('any Kconfig text is survived', () => {
    const line = fc.constantFrom(
      'config A',
      'config B',
      '\tbool "x"',
      '\tselect B',
      '\tselect A if B',
      '\timply A',
      '\tdefault y if A && (B',
      '\tdef_bool $(shell,',
      '\tdepends on !A ||',
      'choice',
      'endchoice',
      'if A',
      'endif',
      'source "Kconfig"',
      '\thelp',
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(Object.keys(extrasOf('CONFIG_C=y', on('A', 'B', 'C'), lines.join('\n')))).toHaveLength(2);
      }),
      { numRuns: 200 },
    );
  });
});
