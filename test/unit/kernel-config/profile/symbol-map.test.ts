import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { profileLog, parseBootLog } from '../../../../kernel-config/src/profile/boot-log.ts';
import { subsystemOf, sumBySubsystem } from '../../../../kernel-config/src/profile/initcall-subsystem.ts';
import { nameAddresses, parseSystemMap, symbolAt } from '../../../../kernel-config/src/profile/symbol-map.ts';

const MAP = parseSystemMap(`ffffffff81000000 T _text
ffffffff81cd1000 t acpi_init
0000000000000000 D fixed_percpu_data
ffffffff81cd2000 t inet_init
nonsense
`);

describe('System.map', () => {
  test('gives the symbol at or below an address', () => {
    expect(symbolAt(MAP, 0xffffffff81cd1000n)).toBe('acpi_init');
    expect(symbolAt(MAP, 0xffffffff81cd1fffn)).toBe('acpi_init');
    expect(symbolAt(MAP, 0xffffffffffffffffn)).toBe('inet_init');
    expect(symbolAt(parseSystemMap(''), 1n)).toBeUndefined();
  });

  test('names the addresses in the log of a kernel without names, so that its initcalls can be read', () => {
    const log =
      '[    0.100000] calling  0xffffffff81cd1000 @ 1\n' +
      '[    0.110000] initcall 0xffffffff81cd1000 returned 0 after 9000 usecs\n' +
      '[    0.120000] initcall 0xffffffff81cd2000 returned 0 after 2000 usecs\n';
    expect(profileLog(parseBootLog(nameAddresses(log, MAP))).initcalls).toEqual([
      { name: 'acpi_init', durationMs: 9 },
      { name: 'inet_init', durationMs: 2 },
    ]);
  });

  test('any text is read', () => {
    fc.assert(fc.property(fc.string(), (text) => parseSystemMap(text).names.length >= 0));
  });

  test('every address finds the nearest symbol below', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.bigInt(0n, 0xffffn), { minLength: 1 }), fc.bigInt(0n, 0xffffn), (list, address) => {
        const text = list.map((each) => `${each.toString(16).padStart(16, '0')} T s${each}`).join('\n');
        const below = list.filter((each) => each <= address).sort((a, b) => (a < b ? 1 : -1))[0];
        expect(symbolAt(parseSystemMap(text), address)).toBe(below === undefined ? undefined : `s${below}`);
      }),
    );
  });
});

describe('parts of the kernel', () => {
  test.each([
    ['acpi_init', 'ACPI and PnP'],
    ['inet6_init', 'network'],
    ['sock_init', 'network'],
    ['ext4_init_fs', 'files'],
    ['virtio_pci_driver_init', 'virtio'],
    ['slab_late_init', 'memory'],
    ['pci_subsys_init', 'PCI'],
    ['something_new', 'other'],
  ])('%s belongs to %s', (initcall, part) => {
    expect(subsystemOf(initcall)).toBe(part);
  });

  test('are added up, longest first', () => {
    const call = (name: string, durationMs: number) => ({ name, durationMs });
    expect(sumBySubsystem([call('acpi_init', 1), call('inet_init', 3), call('sock_init', 2)])).toEqual([
      { name: 'network', durationMs: 5, calls: 2 },
      { name: 'ACPI and PnP', durationMs: 1, calls: 1 },
    ]);
  });
});
