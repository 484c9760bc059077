import { describe, expect, it } from 'vitest';
import * as aarch64 from '../../../../agent/src/abi/generated/aarch64/seccomp-tables.ts';
import * as x86 from '../../../../agent/src/abi/generated/x86_64/seccomp-tables.ts';
import { architectureNames } from '../../../../agent/src/codec/seccomp/call-abi.ts';
import { parseCallNumbers } from '../../../../agent/src/codec/seccomp/call-numbers.ts';
import { compileFilter } from '../../../../agent/src/codec/seccomp/compile-filter.ts';
import type { FilterAction, FilterProfile } from '../../../../agent/src/codec/seccomp/profile.ts';
import { actionValue } from '../../../support/seccomp/evaluate-profile.ts';
import { interpretFilter } from '../../../support/seccomp/interpret-filter.ts';
import { argument, broadProfile, profileOf, ruleFor } from '../../../support/seccomp/profiles.ts';

const x86Numbers = parseCallNumbers(x86.callNames, x86.callNumbers);
const armNumbers = parseCallNumbers(aarch64.callNames, aarch64.callNumbers);
const audits = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028, riscv64: 0xc00000f3 };
const x32 = 0x40000000;
const killed = 0x80000000;
const allowed = 0x7fff0000;
const errno = (number: number): number => 0x50000 + number;

function run(
  profile: FilterProfile,
  audit: keyof typeof audits,
  number: number,
  ...args: readonly (bigint | number)[]
): number {
  const words =
    audit === 'aarch64' || audit === 'arm'
      ? compileFilter(profile, 'aarch64', armNumbers)
      : compileFilter(profile, 'x86_64', x86Numbers);
  const all = Array.from({ length: 6 }, (_, index) => BigInt(args[index] ?? 0));
  return interpretFilter(words, { audit: audits[audit], number, args: all }).value;
}

function words(...instructions: readonly (readonly [code: number, jt: number, jf: number, k: number])[]): number[] {
  return instructions.flatMap(([code, jt, jf, k]) => [(code | (jt << 16) | (jf << 24)) >>> 0, k]);
}

describe('the program of a filter', () => {
  it('checks the architecture, then the number', () => {
    const profile = profileOf([ruleFor('mkdir', 'SCMP_ACT_ERRNO', [], 5)]);
    expect(compileFilter(profile, 'aarch64', armNumbers)).toEqual(
      // aarch64 has mkdirat(2) only, so nothing is left but the default.
      words([0x20, 0, 0, 4], [0x15, 1, 0, 0xc00000b7], [0x06, 0, 0, killed], [0x20, 0, 0, 0], [0x06, 0, 0, allowed]),
    );
  });

  it('compares both halves of an argument', () => {
    const profile = profileOf([ruleFor('io_setup', 'SCMP_ACT_ERRNO', [argument(1, 'SCMP_CMP_EQ', 0x1_0000_0002n)], 5)]);
    const program = compileFilter(profile, 'aarch64', armNumbers);
    expect(program).toEqual(
      words(
        [0x20, 0, 0, 4], // ld arch
        [0x15, 1, 0, 0xc00000b7], // jeq aarch64
        [0x06, 0, 0, killed],
        [0x20, 0, 0, 0], // ld nr
        [0x35, 4, 0, 1], // jge 1: the default
        [0x20, 0, 0, 28], // ld args[1], high half
        [0x15, 0, 2, 1],
        [0x20, 0, 0, 24], // low half
        [0x15, 1, 0, 2],
        [0x06, 0, 0, allowed],
        [0x06, 0, 0, errno(5)],
      ),
    );
  });
});

describe('actions of a filter', () => {
  const actions: readonly [FilterAction, number | undefined][] = [
    ['SCMP_ACT_KILL', undefined],
    ['SCMP_ACT_KILL_THREAD', undefined],
    ['SCMP_ACT_KILL_PROCESS', undefined],
    ['SCMP_ACT_TRAP', undefined],
    ['SCMP_ACT_ERRNO', undefined],
    ['SCMP_ACT_ERRNO', 0],
    ['SCMP_ACT_ERRNO', 4095],
    ['SCMP_ACT_TRACE', undefined],
    ['SCMP_ACT_TRACE', 65535],
    ['SCMP_ACT_LOG', undefined],
    ['SCMP_ACT_NOTIFY', undefined],
  ];
  it.each(actions)('%s with %s comes back as the kernel knows it', (action, code) => {
    expect(run(profileOf([ruleFor('mkdir', action, [], code)]), 'x86_64', 83)).toBe(actionValue(action, code));
    if (action === 'SCMP_ACT_NOTIFY') return;
    const isDefault = profileOf([ruleFor('mkdir', 'SCMP_ACT_ALLOW')], { defaultAction: action, defaultErrnoRet: code });
    expect(run(isDefault, 'x86_64', 82)).toBe(actionValue(action, code));
    expect(run(isDefault, 'x86_64', 83)).toBe(allowed);
  });

  it.each([4096, 65536, -1, 1.5])('PRV-08: errnoRet %d is refused by its field', (code) => {
    expect(() => run(profileOf([ruleFor('mkdir', 'SCMP_ACT_ERRNO', [], code)]), 'x86_64', 0)).toThrow(
      /linux\.seccomp\.syscalls\[0\]\.errnoRet: .* between 0 and 4095/,
    );
    const isDefault = profileOf([], { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: code });
    expect(() => run(isDefault, 'x86_64', 0)).toThrow(/linux\.seccomp\.defaultErrnoRet/);
  });

  it.each(['SCMP_ACT_ALLOW', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_LOG'] as const)(
    'PRV-08: %s takes no errno',
    (action) => {
      expect(() => run(profileOf([ruleFor('mkdir', action, [], 1)]), 'x86_64', 0)).toThrow(/takes no value/);
    },
  );

  it('a rule that repeats the default does not stand in the way of another', () => {
    const profile = profileOf([ruleFor('mkdir', 'SCMP_ACT_ALLOW'), ruleFor('mkdir', 'SCMP_ACT_TRAP')]);
    expect(run(profile, 'x86_64', 83)).toBe(0x30000);
  });

  it('an unconditional rule decides for good, the first of them', () => {
    const conditional = ruleFor('mkdir', 'SCMP_ACT_TRAP', [argument(1, 'SCMP_CMP_EQ', 7)]);
    const profile = profileOf([
      conditional,
      ruleFor('mkdir', 'SCMP_ACT_ERRNO', [], 9),
      ruleFor('mkdir', 'SCMP_ACT_KILL'),
    ]);
    expect(run(profile, 'x86_64', 83, 0, 7)).toBe(errno(9));
  });
});

describe('arguments of a filter', () => {
  const wide = [
    0n,
    1n,
    2n ** 31n - 1n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 32n + 1n,
    2n ** 63n,
    2n ** 64n - 1n,
  ];
  const operators = {
    SCMP_CMP_NE: (a: bigint, b: bigint) => a !== b,
    SCMP_CMP_LT: (a: bigint, b: bigint) => a < b,
    SCMP_CMP_LE: (a: bigint, b: bigint) => a <= b,
    SCMP_CMP_EQ: (a: bigint, b: bigint) => a === b,
    SCMP_CMP_GE: (a: bigint, b: bigint) => a >= b,
    SCMP_CMP_GT: (a: bigint, b: bigint) => a > b,
  };
  it.each(Object.entries(operators))('PRV-07: %s compares unsigned 64-bit numbers', (op, holds) => {
    for (const index of [0, 5]) {
      for (const value of wide) {
        const rule = ruleFor('mkdir', 'SCMP_ACT_TRAP', [argument(index, op as keyof typeof operators, value)]);
        const program = compileFilter(profileOf([rule]), 'x86_64', x86Numbers);
        for (const actual of wide) {
          const args = Array.from({ length: 6 }, (_, place) => (place === index ? actual : 0x5555n));
          const { value: outcome } = interpretFilter(program, { audit: audits.x86_64, number: 83, args });
          expect([actual, value, outcome]).toEqual([actual, value, holds(actual, value) ? 0x30000 : allowed]);
        }
      }
    }
  });

  it('PRV-07: SCMP_CMP_MASKED_EQ looks at the bits of the mask in both halves', () => {
    const rule = (mask: bigint, datum: bigint) =>
      profileOf([ruleFor('mkdir', 'SCMP_ACT_TRAP', [argument(0, 'SCMP_CMP_MASKED_EQ', mask, datum)])]);
    expect(run(rule(0x8000_0000_0000_0001n, 0x8000_0000_0000_0000n), 'x86_64', 83, 0x8000_0000_ffff_fffen)).toBe(
      0x30000,
    );
    expect(run(rule(0x8000_0000_0000_0001n, 0x8000_0000_0000_0000n), 'x86_64', 83, 0x8000_0000_ffff_ffffn)).toBe(
      allowed,
    );
    expect(run(rule(0n, 0n), 'x86_64', 83, 77)).toBe(0x30000);
    // The datum is masked too, as in libseccomp.
    expect(run(rule(1n, 3n), 'x86_64', 83, 5)).toBe(0x30000);
    expect(run(rule(1n, 3n), 'x86_64', 83, 2)).toBe(allowed);
  });

  it('PRV-07: all arguments of a rule must hold', () => {
    const args = [0, 1, 2, 3, 4, 5].map((index) => argument(index, 'SCMP_CMP_EQ', index + 10));
    const profile = profileOf([ruleFor('mkdir', 'SCMP_ACT_TRAP', args)]);
    expect(run(profile, 'x86_64', 83, 10, 11, 12, 13, 14, 15)).toBe(0x30000);
    for (let index = 0; index < 6; index++) {
      const values = [10, 11, 12, 13, 14, 15].map((value, place) => (place === index ? 0 : value));
      expect(run(profile, 'x86_64', 83, ...values)).toBe(allowed);
    }
  });

  it('PRV-07: conditions on the same argument are rules of their own, as in runc', () => {
    const args = [argument(0, 'SCMP_CMP_EQ', 1), argument(0, 'SCMP_CMP_EQ', 2), argument(1, 'SCMP_CMP_EQ', 3)];
    const profile = profileOf([ruleFor('mkdir', 'SCMP_ACT_TRAP', args)]);
    for (const values of [
      [1, 0],
      [2, 0],
      [0, 3],
    ])
      expect(run(profile, 'x86_64', 83, ...values)).toBe(0x30000);
    expect(run(profile, 'x86_64', 83, 3, 0)).toBe(allowed);
  });

  it('PRV-08: an index above 5 and a value beyond 64 bits are refused', () => {
    const with_ = (...args: Parameters<typeof argument>) =>
      profileOf([ruleFor('mkdir', 'SCMP_ACT_TRAP', [argument(...args)])]);
    expect(() => run(with_(6, 'SCMP_CMP_EQ', 0), 'x86_64', 0)).toThrow(/syscalls\[0\]\.args\[0\]\.index: 6/);
    expect(() => run(with_(0, 'SCMP_CMP_EQ', 2n ** 64n), 'x86_64', 0)).toThrow(/args\[0\]\.value/);
    expect(() => run(with_(0, 'SCMP_CMP_EQ', -1n), 'x86_64', 0)).toThrow(/args\[0\]\.value/);
  });

  it('ABIs with 32-bit arguments see the low half, also of a negative number', () => {
    const profile = profileOf([ruleFor('mkdir', 'SCMP_ACT_TRAP', [argument(0, 'SCMP_CMP_EQ', 2n ** 64n - 100n)])], {
      architectures: ['SCMP_ARCH_X86'],
    });
    expect(run(profile, 'i386', 39, 0xffffff9c)).toBe(0x30000);
    expect(run(profile, 'x86_64', 83, 0xffffff9c)).toBe(allowed);
  });
});

describe('PRV-06: other ABIs', () => {
  const denyMkdir = (architectures: readonly string[]) =>
    profileOf([ruleFor('mkdir', 'SCMP_ACT_ERRNO')], { architectures });
  const allowMkdir = (architectures: readonly string[]) =>
    profileOf([ruleFor(['mkdir', 'rseq_slice_yield'], 'SCMP_ACT_ALLOW')], {
      architectures,
      defaultAction: 'SCMP_ACT_ERRNO',
    });

  it('are killed when the profile does not name them', () => {
    for (const profile of [denyMkdir([]), allowMkdir([])]) {
      expect(run(profile, 'x86_64', x32 + 83)).toBe(killed);
      expect(run(profile, 'x86_64', x32)).toBe(killed);
      expect(run(profile, 'x86_64', 0xfffffffe)).toBe(killed);
      expect(run(profile, 'i386', 39)).toBe(killed);
      expect(run(profile, 'riscv64', 34)).toBe(killed);
      expect(run(profile, 'arm', 39)).toBe(killed);
    }
  });

  it('are filtered by their own numbers when it does', () => {
    const all = ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'];
    expect(run(denyMkdir(all), 'x86_64', 83)).toBe(errno(1));
    expect(run(denyMkdir(all), 'x86_64', x32 + 83)).toBe(errno(1));
    expect(run(denyMkdir(all), 'i386', 39)).toBe(errno(1));
    expect(run(denyMkdir(all), 'i386', 83)).toBe(allowed);
    expect(run(allowMkdir(all), 'x86_64', x32 + 83)).toBe(allowed);
    expect(run(allowMkdir(all), 'x86_64', x32 + 82)).toBe(errno(1));
    expect(run(allowMkdir(all), 'i386', 39)).toBe(allowed);
    expect(run(allowMkdir(['SCMP_ARCH_ARM']), 'arm', 39)).toBe(allowed);
    expect(run(allowMkdir(['SCMP_ARCH_ARM']), 'arm', 40)).toBe(errno(1));
  });

  it('a call that a tracer made the kernel skip is not killed', () => {
    expect(run(denyMkdir([]), 'x86_64', 0xffffffff)).toBe(allowed);
  });

  it('i386 socketcall(2) and ipc(2) are what they are for', () => {
    const profile = profileOf([ruleFor(['socket', 'shmget', 'recv'], 'SCMP_ACT_ERRNO')], {
      architectures: ['SCMP_ARCH_X86'],
    });
    expect(run(profile, 'i386', 102, 1)).toBe(errno(1));
    expect(run(profile, 'i386', 102, 10)).toBe(errno(1));
    expect(run(profile, 'i386', 102, 2)).toBe(allowed);
    expect(run(profile, 'i386', 117, 23)).toBe(errno(1));
    // The upper bits are a version that the kernel masks away.
    expect(run(profile, 'i386', 117, 0x10017)).toBe(errno(1));
    expect(run(profile, 'i386', 359, 1)).toBe(errno(1));
  });

  it('i386 socketcall(2) does not get around rules with arguments', () => {
    const deny = profileOf([ruleFor('socket', 'SCMP_ACT_ERRNO', [argument(0, 'SCMP_CMP_EQ', 40)])], {
      architectures: ['SCMP_ARCH_X86'],
    });
    expect(run(deny, 'i386', 102, 1)).toBe(errno(1));
    const allow = profileOf([ruleFor('socket', 'SCMP_ACT_ALLOW', [argument(0, 'SCMP_CMP_NE', 40)])], {
      architectures: ['SCMP_ARCH_X86'],
      defaultAction: 'SCMP_ACT_ERRNO',
    });
    expect(run(allow, 'i386', 102, 1)).toBe(errno(1));
    expect(run(allow, 'i386', 359, 2)).toBe(allowed);
  });

  it('an allow-list that knows a call only by its multiplexer keeps it', () => {
    const profile = profileOf([ruleFor(['recv', 'read'], 'SCMP_ACT_ALLOW')], {
      architectures: ['SCMP_ARCH_X86'],
      defaultAction: 'SCMP_ACT_ERRNO',
    });
    expect(run(profile, 'i386', 102, 10)).toBe(allowed);
    expect(run(profile, 'i386', 102, 9)).toBe(errno(1));
  });

  it('unknown architectures are refused by name, known ones that this kernel cannot run are not', () => {
    expect(() => run(denyMkdir(['SCMP_ARCH_X86', 'SCMP_ARCH_VAX']), 'x86_64', 0)).toThrow(
      'linux.seccomp.architectures[1]: unknown architecture "SCMP_ARCH_VAX"',
    );
    expect(() => run(denyMkdir(['x86_64']), 'x86_64', 0)).toThrow(/architectures\[0\]/);
    expect(run(denyMkdir(architectureNames), 'x86_64', 83)).toBe(errno(1));
    expect(run(denyMkdir(architectureNames), 'riscv64', 34)).toBe(killed);
  });
});

describe('PRV-08: calls that the profile cannot know', () => {
  const upToOpenat2 = (defaultAction: FilterAction) =>
    profileOf([ruleFor(['openat2', 'read', 'no_such_call'], 'SCMP_ACT_ALLOW')], {
      defaultAction,
      architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    });

  it.each(['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP'] as const)(
    'answer ENOSYS beyond the newest named call when the default is %s',
    (action) => {
      const profile = upToOpenat2(action);
      for (const [audit, base] of [
        ['x86_64', 0],
        ['x86_64', x32],
        ['i386', 0],
      ] as const) {
        expect(run(profile, audit, base + 437)).toBe(allowed);
        expect(run(profile, audit, base + 436)).toBe(actionValue(action, undefined));
        expect(run(profile, audit, base + 438)).toBe(errno(38));
        expect(run(profile, audit, base + 0x3ffffffe)).toBe(errno(38));
      }
    },
  );

  it.each(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'] as const)('get the default %s', (action) => {
    expect(run(upToOpenat2(action), 'x86_64', 5000)).toBe(actionValue(action, undefined));
  });

  it('rules that repeat the default tell the age of a profile too', () => {
    const profile = profileOf([ruleFor('read', 'SCMP_ACT_ALLOW'), ruleFor('openat2', 'SCMP_ACT_ERRNO')], {
      defaultAction: 'SCMP_ACT_ERRNO',
    });
    expect(run(profile, 'x86_64', 437)).toBe(errno(1));
    expect(run(profile, 'x86_64', 438)).toBe(errno(38));
  });

  it('are told apart from the private calls of 32-bit ARM', () => {
    const profile = profileOf([ruleFor(['read', 'set_tls', 'openat2'], 'SCMP_ACT_ALLOW')], {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_ARM'],
    });
    expect(run(profile, 'arm', 0xf0005)).toBe(allowed);
    expect(run(profile, 'arm', 0xf0004)).toBe(errno(1));
    expect(run(profile, 'arm', 438)).toBe(errno(38));
    expect(run(profile, 'arm', 437)).toBe(allowed);
  });
});

describe('PRV-08: large profiles', () => {
  const many = (count: number, conditions: number) =>
    x86.callNames
      .split(' ')
      .slice(0, count)
      .map((name, number) =>
        ruleFor(
          name,
          'SCMP_ACT_ERRNO',
          Array.from({ length: conditions }, (_, index) =>
            argument(index, 'SCMP_CMP_EQ', BigInt(number + index) << 31n),
          ),
          (number % 4000) + 1,
        ),
      );

  it('450 calls with arguments are each told apart', () => {
    const profile = profileOf(many(450, 1));
    const program = compileFilter(profile, 'x86_64', x86Numbers);
    const column = x86Numbers.columns['SCMP_ARCH_X86_64']!;
    expect(program.length / 2).toBeGreaterThan(1500);
    profile.syscalls.forEach((rule, index) => {
      const number = column[index]!;
      if (number === -1) return;
      const hit = [rule.args[0]!.value, 0n, 0n, 0n, 0n, 0n];
      const miss = [rule.args[0]!.value + 1n, 0n, 0n, 0n, 0n, 0n];
      expect(interpretFilter(program, { audit: audits.x86_64, number, args: hit }).value).toBe(errno(index + 1));
      expect(interpretFilter(program, { audit: audits.x86_64, number, args: miss }).value).toBe(allowed);
    });
  });

  it('more than the kernel takes is refused by name', () => {
    expect(() => compileFilter(profileOf(many(450, 6)), 'x86_64', x86Numbers)).toThrow(
      'linux.seccomp: the filter needs more than 4096 instructions',
    );
  });

  it('repeated rules and rules that several calls share cost nothing', () => {
    const args = [argument(0, 'SCMP_CMP_EQ', 5)];
    const once = compileFilter(profileOf([ruleFor(['mkdir', 'chmod'], 'SCMP_ACT_TRAP', args)]), 'x86_64', x86Numbers);
    const rules = Array.from({ length: 100 }, () => ruleFor('chmod', 'SCMP_ACT_TRAP', args));
    const often = compileFilter(
      profileOf([ruleFor(['mkdir', 'chmod'], 'SCMP_ACT_TRAP', args), ...rules]),
      'x86_64',
      x86Numbers,
    );
    expect(often).toEqual(once);
  });

  it('a cheap call takes few instructions in a profile of 400 names', () => {
    const program = compileFilter(broadProfile(['SCMP_ARCH_X86', 'SCMP_ARCH_X32']), 'x86_64', x86Numbers);
    const executed = Array.from(
      { length: 335 },
      (_, number) =>
        interpretFilter(program, { audit: audits.x86_64, number, args: [0n, 0n, 0n, 0n, 0n, 0n] }).executed,
    );
    expect(Math.max(...executed)).toBeLessThanOrEqual(20);
    expect(program.length / 2).toBeLessThan(400);
  });
});
