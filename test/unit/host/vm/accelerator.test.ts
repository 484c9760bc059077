import { describe, expect, test } from 'vitest';
import { chooseAccelerator, hasVirtualizationFlags } from '../../../../host/vm/accelerator.ts';
import { trialRom } from '../../../../host/vm/kvm-trial.ts';

describe('chooseAccelerator', () => {
  const works = { hasCpuFlags: true, deviceError: undefined, trialError: undefined };

  test('takes KVM only when flags, device and trial are all right', () => {
    expect(chooseAccelerator(works).kind).toBe('kvm');
  });

  test.each([
    [{ ...works, hasCpuFlags: false }, /vmx or svm/],
    [{ ...works, deviceError: 'EACCES' }, /\/dev\/kvm: EACCES/],
    [{ ...works, trialError: 'no answer' }, /trial failed: no answer/],
    [{ hasCpuFlags: false, deviceError: 'ENOENT', trialError: 'x' }, /vmx or svm/],
  ])('emulates with %j and says why', (facts, reason) => {
    const accelerator = chooseAccelerator(facts);
    expect(accelerator.kind).toBe('tcg');
    expect(accelerator.reason).toMatch(reason);
  });
});

describe('hasVirtualizationFlags', () => {
  test.each([
    ['flags\t\t: fpu vmx sse\n', true],
    ['flags\t\t: fpu svm sse\n', true],
    ['flags\t\t: fpu hypervisor sse\n', false],
    ['flags\t\t: fpu svmx vmxx\n', false],
    ['model name\t: vmx machine\nflags\t\t: fpu\n', false],
    ['', false],
  ])('%j: %s', (cpuinfo, expected) => {
    expect(hasVirtualizationFlags(cpuinfo)).toBe(expected);
  });
});

test('the trial ROM has its program at the reset vector, 16 bytes before the end', () => {
  const rom = trialRom();
  expect(rom.length).toBe(65536);
  expect([...rom.subarray(65536 - 16, 65536 - 11)]).toEqual([0xb0, 0x10, 0xe6, 0xf4, 0xf4]);
});
