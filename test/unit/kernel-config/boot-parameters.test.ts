import { describe, expect, test } from 'vitest';
import { bootParameters, recommendedCmdline } from '../../../kernel-config/src/boot-parameters.ts';

describe('bootParameters()', () => {
  test('asks for a quiet virtio console and leaves the serial port alone', () => {
    const parameters = bootParameters({ accelerator: 'kvm', cpus: 2, console: 'hvc0' });
    expect(parameters).toEqual([...recommendedCmdline, 'nr_cpus=2', 'console=hvc0', '8250.nr_uarts=0', 'quiet']);
  });

  test.each([
    ['tcg', 1, true],
    ['tcg', 2, false],
    ['kvm', 1, false],
  ] as const)('with %s and %i processors the APIC timer is off: %s', (accelerator, cpus, isOff) => {
    expect(bootParameters({ accelerator, cpus, console: 'none' }).includes('nolapic_timer')).toBe(isOff);
  });

  test('a verbose boot prints, and the serial console is probed', () => {
    const parameters = bootParameters({ accelerator: 'tcg', cpus: 1, console: 'ttyS0', isVerbose: true });
    expect(parameters).toContain('console=ttyS0');
    expect(parameters).not.toContain('quiet');
    expect(parameters).not.toContain('8250.nr_uarts=0');
  });

  test('names each parameter once', () => {
    const names = bootParameters({ accelerator: 'tcg', cpus: 1, console: 'hvc0' }).map((word) => word.split('=')[0]);
    expect(new Set(names).size).toBe(names.length);
  });
});
