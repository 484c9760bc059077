import { describe, expect, test } from 'vitest';
import { mergeFragments } from '../../../../kernel-config/src/fragment/merge-fragments.ts';
import { parseFragment } from '../../../../kernel-config/src/fragment/parse-fragment.ts';
import { parseDotConfig } from '../../../../kernel-config/src/kconfig/dot-config.ts';
import { explainCasualty } from '../../../../kernel-config/src/kconfig/explain-casualty.ts';
import { findCasualties } from '../../../../kernel-config/src/kconfig/find-casualties.ts';
import { readKconfigTree } from '../../../../kernel-config/src/kconfig/kconfig-tree.ts';

const DOT_CONFIG = `
CONFIG_NET=y
# CONFIG_VSOCKETS is not set
CONFIG_NR_CPUS=64
CONFIG_NAME="kihon"
CONFIG_USERFAULTFD=y
`;

const KCONFIG: Record<string, string> = {
  Kconfig: 'source "arch/$(SRCARCH)/Kconfig"\nsource "net/Kconfig"\nsource "missing/Kconfig"\n',
  'arch/x86/Kconfig': 'config HIDDEN\n\tbool\n\nconfig PERF\n\tbool "Performance" if EXPERT\n\tdepends on NET\n',
  'net/Kconfig': [
    'if NET',
    'menu "Sockets"',
    '\tdepends on INET || \\',
    '\t\tUNIX',
    'config VSOCKETS',
    '\ttristate "vsock"',
    '\thelp',
    '\t  Words such as',
    '\t  config NOT_A_SYMBOL',
    '\t  do not count.',
    '\tdepends on !NOVSOCK',
    'endmenu',
    'endif',
    'config USERFAULTFD',
    '\tbool "faults"',
  ].join('\n'),
};

function casualtiesOf(fragment: string): string[] {
  const requests = mergeFragments([parseFragment('f', fragment)]);
  const result = parseDotConfig(DOT_CONFIG);
  const declarations = readKconfigTree('Kconfig', 'x86', (path) => KCONFIG[path]);
  return findCasualties(requests, result).map((casualty) => explainCasualty(casualty, declarations, result));
}

describe('findCasualties() and explainCasualty()', () => {
  test('say nothing when every request survived', () => {
    expect(casualtiesOf('CONFIG_NET=y\n# CONFIG_VSOCKETS is not set\nCONFIG_NR_CPUS=64\nCONFIG_NAME="kihon"')).toEqual(
      [],
    );
  });

  test('treat an absent symbol as off', () => {
    expect(casualtiesOf('# CONFIG_NEVER_HEARD_OF is not set')).toEqual([]);
  });

  test('name an unmet dependency and the values in it', () => {
    expect(casualtiesOf('CONFIG_VSOCKETS=y')).toEqual([
      'CONFIG_VSOCKETS: f.config:1 asks for y, got n (needs INET || UNIX, but INET=n, UNIX=n)',
    ]);
  });

  test('tell a symbol that does not exist from one that cannot be chosen', () => {
    expect(casualtiesOf('CONFIG_NOT_A_SYMBOL=y\nCONFIG_HIDDEN=y\nCONFIG_PERF=y')).toEqual([
      'CONFIG_HIDDEN: f.config:2 asks for y, got n (it has no prompt: only another symbol can select it)',
      'CONFIG_NOT_A_SYMBOL: f.config:1 asks for y, got n (this kernel has no such symbol)',
      'CONFIG_PERF: f.config:3 asks for y, got n (its prompt is hidden: needs EXPERT, but EXPERT=n)',
    ]);
  });

  test('report a symbol that is on although it must be off, and a changed number', () => {
    expect(casualtiesOf('# CONFIG_USERFAULTFD is not set\nCONFIG_NR_CPUS=8')).toEqual([
      'CONFIG_NR_CPUS: f.config:2 asks for 8, got 64 (this kernel has no such symbol)',
      'CONFIG_USERFAULTFD: f.config:1 asks for n, got y (another symbol selects it, or it cannot be switched off)',
    ]);
  });
});
