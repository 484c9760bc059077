import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONFIGURATIONS } from '../../../../kernel-config/src/configurations.ts';
import { parseAllowedMissing } from '../../../../kernel-config/src/fragment/allowed-missing.ts';
import { FragmentError } from '../../../../kernel-config/src/fragment/parse-fragment.ts';
import {
  compareInventory,
  loadInventory,
  parseInventory,
  parseLeftOff,
} from '../../../../kernel-config/src/inventory/kata-inventory.ts';

const INVENTORY = `
# comment
[files | kata | all]
EXT4_FS XFS_FS OLD_FS
[machine | kata | aarch64 x86_64]
NR_CPUS=240
[secrets | confidential | all]
TDX
`;

describe('the inventory of Kata kernels', () => {
  const entries = parseInventory(INVENTORY);
  const compare = (config: string, architecture: string, configuration: string) =>
    compareInventory(entries, parseLeftOff('XFS_FS: too large'), parseAllowedMissing('OLD_FS since 6.1: gone'), {
      result: new Map(config.split(' ').map((word) => [word.split('=')[0] ?? '', word.split('=')[1] ?? 'y'])),
      configuration,
      architecture,
      version: '6.12.1',
    });

  test('counts what is on, what is left off, what the kernel does not have, and what is missing', () => {
    expect(compare('EXT4_FS NR_CPUS=64', 'x86_64', 'kata')).toMatchObject({
      covered: 1,
      leftOff: ['XFS_FS: too large'],
      allowedMissing: ['OLD_FS: gone'],
      missing: [{ symbol: 'NR_CPUS', value: '240' }],
    });
  });

  test('asks each architecture and configuration for its own', () => {
    expect(compare('EXT4_FS', 's390x', 'kata').missing).toEqual([]);
    expect(compare('EXT4_FS', 's390x', 'confidential').missing).toMatchObject([{ symbol: 'TDX', group: 'secrets' }]);
  });

  test('what is on is covered even if it is in the list of what is left off', () => {
    expect(compare('EXT4_FS XFS_FS', 's390x', 'kata')).toMatchObject({ covered: 2, leftOff: [] });
  });

  test.each(['EXT4_FS', '[a | b]\nX', '[a | kata | x86]\nX', '[a | kata | all]\nX-Y'])('refuses %j', (text) => {
    expect(() => parseInventory(text)).toThrow(FragmentError);
  });

  test('any text is read or refused', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [parseInventory, parseLeftOff]) {
          try {
            parse(text);
          } catch (error) {
            expect(error).toBeInstanceOf(FragmentError);
          }
        }
      }),
    );
  });

  test('the one in the repository has all groups, each for a configuration that is', async () => {
    const { entries: all, leftOff } = await loadInventory();
    expect(all.length).toBeGreaterThan(700);
    expect(leftOff.size).toBeGreaterThan(20);
    const names = CONFIGURATIONS.map(({ name }) => name);
    expect(all.filter(({ configuration }) => !names.includes(configuration))).toEqual([]);
  });
});
