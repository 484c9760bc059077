import { describe, expect, test } from 'vitest';
import { parseBootLog, profileLog } from '../../../../kernel-config/src/profile/boot-log.ts';
import { formatProfile, median } from '../../../../kernel-config/src/profile/format-profile.ts';

const CONSOLE = [
  'SeaBIOS (version 1.16)',
  '[    0.000000] Linux version 6.12',
  '[    0.010000] calling  acpi_init+0x0/0x530 @ 1',
  '[    0.078000] initcall acpi_init+0x0/0x530 returned 0 after 68000 usecs',
  '[    0.080000] calling  inet_init+0x0/0x300 @ 1',
  '[    0.085000] initcall inet_init+0x0/0x300 returned 0 after 5000 usecs',
  '[    0.131000] Freeing unused kernel image (initmem) memory: 1084K',
  '[    0.132000] Run / as init process',
  '[    0.500000] Kernel panic - not syncing: x|y',
].join('\r\n');

describe('boot profile', () => {
  const profile = profileLog(parseBootLog(CONSOLE));

  test('takes the start of the first program, not the panic, as the end', () => {
    expect(profile.initAtMs).toBe(132);
    expect(profile.gaps.some(({ before }) => before.text.startsWith('Kernel panic'))).toBe(false);
  });

  test('lists initcalls by duration', () => {
    expect(profile.initcalls).toEqual([
      { name: 'acpi_init', durationMs: 68 },
      { name: 'inet_init', durationMs: 5 },
    ]);
  });

  test('does not count the time inside an initcall as a gap', () => {
    expect(profile.gaps[0]).toMatchObject({ before: { text: 'Freeing unused kernel image (initmem) memory: 1084K' } });
    expect(Math.round(profile.gaps[0]?.durationMs ?? 0)).toBe(46);
  });

  test('a log replayed by the panic is read from its beginning', () => {
    const panic = '[    0.500000] Kernel panic - not syncing: x\n[    0.600000] Call Trace:\n';
    expect(profileLog(parseBootLog(panic + CONSOLE))).toEqual(profile);
  });

  test('a log that ends early has no start of a program', () => {
    expect(profileLog(parseBootLog('[    0.000000] Linux')).initAtMs).toBeUndefined();
  });

  test('is printed as Markdown tables', () => {
    const text = formatProfile([{ kernelMs: 400, wallMs: 510 }], profile, 1);
    expect(text).toContain('| kernel: clock start to first program (1 boots) | 400 | 400 |');
    expect(text).toContain('| acpi_init | 68.0 |');
    expect(text).not.toContain('inet_init |');
  });

  test('median() takes the lower middle', () => {
    expect(median([3, 1, 2])).toBe('2.0');
    expect(median([4, 1, 2, 3])).toBe('2.0');
  });
});
