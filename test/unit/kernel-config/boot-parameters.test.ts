import { describe, expect, test } from 'vitest';
import { bootParameters } from '../../../kernel-config/src/boot-parameters.ts';

describe('bootParameters()', () => {
  test('asks for a quiet virtio console and leaves the serial port alone', () => {
    const parameters = bootParameters({ accelerator: 'kvm', console: 'hvc0' });
    expect(parameters).toContain('console=hvc0');
    expect(parameters).toContain('8250.nr_uarts=0');
    expect(parameters).toContain('quiet');
    expect(parameters).not.toContain('mitigations=off');
  });

  test('keeps mitigations where there is a real processor to mitigate', () => {
    expect(bootParameters({ accelerator: 'kvm', console: 'none' }).join(' ')).not.toMatch(/mitigations|nolapic/);
    expect(bootParameters({ accelerator: 'tcg', console: 'none' })).toContain('mitigations=off');
  });

  test('a verbose boot prints, and the serial console is probed', () => {
    const parameters = bootParameters({ accelerator: 'tcg', console: 'ttyS0', isVerbose: true });
    expect(parameters).toContain('console=ttyS0');
    expect(parameters).not.toContain('quiet');
    expect(parameters).not.toContain('8250.nr_uarts=0');
  });

  test('names each parameter once', () => {
    const names = bootParameters({ accelerator: 'tcg', console: 'hvc0' }).map((parameter) => parameter.split('=')[0]);
    expect(new Set(names).size).toBe(names.length);
  });
});
