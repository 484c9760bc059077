import { expect, test } from 'vitest';
import { kernelCommandLine, type KernelParameters } from '../../../../host/vm/kernel-command-line.ts';

const parameters: KernelParameters = {
  machine: 'q35',
  accelerator: 'kvm',
  cpus: 2,
  tscKhz: 2_600_000,
  console: 'hvc0',
  readyPort: 1040,
  verbose: false,
  extra: [],
};

test('asks for the console, the unified cgroups, the ready message and the number of CPUs', () => {
  const words = kernelCommandLine(parameters).split(' ');
  for (const word of ['console=hvc0', 'cgroup_no_v1=all', 'kihon.ready=1040', 'nr_cpus=2', 'panic=1', 'quiet']) {
    expect(words).toContain(word);
  }
});

test('verbose means a talking kernel and a debugging agent', () => {
  const words = kernelCommandLine({ ...parameters, verbose: true }).split(' ');
  expect(words).toContain('agent.log=debug');
  expect(words).not.toContain('quiet');
});

test('extra parameters come last and win', () => {
  expect(kernelCommandLine({ ...parameters, extra: ['agent.log=trace', 'x'] })).toMatch(/ agent\.log=trace x$/);
});

test('a machine without PCI is not told about it', () => {
  const words = kernelCommandLine({ ...parameters, machine: 'microvm', readyPort: undefined });
  expect(words).toContain('pci=off');
  expect(words).not.toContain('scsi_mod');
  expect(words).not.toContain('kihon.ready');
});

test('one emulated processor of a PC does without the local timer, others keep it', () => {
  const one = { ...parameters, accelerator: 'tcg', cpus: 1 } as const;
  for (const machine of ['q35', 'microvm'] as const)
    expect(kernelCommandLine({ ...one, machine }).split(' ')).toContain('nolapic_timer');
  expect(kernelCommandLine({ ...one, cpus: 2 })).not.toContain('nolapic_timer');
  expect(kernelCommandLine({ ...one, accelerator: 'kvm' })).not.toContain('nolapic_timer');
  expect(kernelCommandLine({ ...one, machine: 'virt' })).not.toContain('nolapic_timer');
});

test('an emulated PC is told the speed of its time stamp counter where it is known', () => {
  const emulated = { ...parameters, accelerator: 'tcg' } as const;
  expect(kernelCommandLine(emulated).split(' ')).toContain('tsc_early_khz=2600000');
  expect(kernelCommandLine({ ...emulated, tscKhz: undefined })).not.toContain('tsc_early_khz');
  expect(kernelCommandLine({ ...emulated, machine: 'virt' })).not.toContain('tsc_early_khz');
  expect(kernelCommandLine(parameters)).not.toContain('tsc_early_khz');
});

test('the serial port is probed only when it is the console', () => {
  expect(kernelCommandLine(parameters)).toContain('8250.nr_uarts=0');
  expect(kernelCommandLine({ ...parameters, console: 'ttyS0' })).not.toContain('8250');
});
