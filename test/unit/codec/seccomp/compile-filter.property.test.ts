import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as aarch64 from '../../../../agent/src/abi/generated/aarch64/seccomp-tables.ts';
import * as x86 from '../../../../agent/src/abi/generated/x86_64/seccomp-tables.ts';
import { parseCallNumbers } from '../../../../agent/src/codec/seccomp/call-numbers.ts';
import { compileFilter } from '../../../../agent/src/codec/seccomp/compile-filter.ts';
import type { FilterProfile } from '../../../../agent/src/codec/seccomp/profile.ts';
import { argumentsFor, arbitraryProfile } from '../../../support/seccomp/arbitrary-profile.ts';
import { evaluateProfile } from '../../../support/seccomp/evaluate-profile.ts';
import { interpretFilter } from '../../../support/seccomp/interpret-filter.ts';

interface Machine {
  readonly family: 'x86_64' | 'aarch64';
  readonly numbers: ReturnType<typeof parseCallNumbers>;
  readonly abis: readonly {
    readonly name: string;
    readonly audit: number;
    readonly base: number;
    readonly isNarrow: boolean;
  }[];
}

const machines: readonly Machine[] = [
  {
    family: 'x86_64',
    numbers: parseCallNumbers(x86.callNames, x86.callNumbers),
    abis: [
      { name: 'SCMP_ARCH_X86_64', audit: 0xc000003e, base: 0, isNarrow: false },
      { name: 'SCMP_ARCH_X86', audit: 0x40000003, base: 0, isNarrow: true },
      { name: 'SCMP_ARCH_X32', audit: 0xc000003e, base: 0x40000000, isNarrow: true },
    ],
  },
  {
    family: 'aarch64',
    numbers: parseCallNumbers(aarch64.callNames, aarch64.callNumbers),
    abis: [
      { name: 'SCMP_ARCH_AARCH64', audit: 0xc00000b7, base: 0, isNarrow: false },
      { name: 'SCMP_ARCH_ARM', audit: 0x40000028, base: 0, isNarrow: true },
    ],
  },
];

/** Known to every ABI above, and not reached through a multiplexer. */
const names = [
  'read',
  'write',
  'close',
  'ioctl',
  'mprotect',
  'openat',
  'execve',
  'fchmod',
  'openat2',
  'faccessat2',
  'pidfd_open',
];

/** Every call of every ABI in the profile, with arguments that are likely to meet its rules. */
function checkAll(machine: Machine, profile: FilterProfile, args: readonly bigint[]): void {
  const program = compileFilter(profile, machine.family, machine.numbers);
  for (const [position, abi] of machine.abis.entries()) {
    for (const name of names) {
      const number = abi.base + machine.numbers.columns[abi.name]![machine.numbers.indexOf.get(name)!]!;
      const isNamed = position === 0 || profile.architectures.includes(abi.name);
      // The newest call is named, so that none of these is unknown to the profile.
      const shown = abi.isNarrow && abi.base === 0 ? args.map((value) => value & 0xffffffffn) : args;
      const { value } = interpretFilter(program, { audit: abi.audit, number, args: shown });
      const expected = isNamed ? evaluateProfile(profile, { name, args, isNarrow: abi.isNarrow }) : 0x80000000;
      expect([abi.name, name, value]).toEqual([abi.name, name, expected]);
    }
  }
}

describe.each(machines)('PRV-07: a filter for $family', (machine) => {
  it.each([false, true])('decides as the profile reads (several conditions on one argument: %s)', (repeats) => {
    const architectures = machine.abis.map(({ name }) => name);
    const cases = arbitraryProfile(names, architectures, repeats).chain((profile) => {
      const newest = { names: ['rseq_slice_yield'], action: 'SCMP_ACT_KILL' as const, errnoRet: undefined, args: [] };
      const whole = { ...profile, syscalls: [...profile.syscalls, newest] };
      return fc.tuple(fc.constant(whole), fc.array(argumentsFor(whole), { minLength: 1, maxLength: 8 }));
    });
    fc.assert(
      fc.property(cases, ([profile, calls]) => {
        for (const args of calls) checkAll(machine, profile, args);
      }),
      { numRuns: 300 },
    );
  });

  it('PRV-08: never jumps beyond its end, whatever the profile and the call', () => {
    const all = [...machine.numbers.indexOf.keys()];
    fc.assert(
      fc.property(
        arbitraryProfile(
          all,
          machine.abis.map(({ name }) => name),
          true,
        ).chain((profile) =>
          fc.tuple(fc.constant(profile), fc.array(fc.nat(0xffffffff), { maxLength: 40 }), argumentsFor(profile)),
        ),
        ([profile, numbers, args]) => {
          const program = compileFilter(profile, machine.family, machine.numbers);
          for (const { audit, base } of machine.abis) {
            for (const number of [...numbers, ...Array.from({ length: 480 }, (_, low) => base + low)])
              interpretFilter(program, { audit, number, args });
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
