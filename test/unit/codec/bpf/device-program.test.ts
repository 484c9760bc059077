import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allAccess, simplifyDeviceRules } from '../../../../agent/src/codec/bpf/device-policy.ts';
import type { DeviceMatch } from '../../../../agent/src/codec/bpf/device-policy.ts';
import { compileDeviceProgram } from '../../../../agent/src/codec/bpf/device-program.ts';
import { Assembler } from '../../../../agent/src/codec/bpf/assembler.ts';
import { interpret } from '../../../support/bpf/interpret.ts';

const MKNOD = 1;
const READ = 2;
const WRITE = 4;
const BLOCK = 1;
const CHARACTER = 2;

interface Request {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  readonly access: number;
}

/** What the rules mean, said as plainly as possible: each bit belongs to the last rule that matches it. */
function decide(rules: readonly DeviceMatch[], request: Request): boolean {
  return [MKNOD, READ, WRITE].every((bit) => {
    if ((request.access & bit) === 0) return true;
    const last = rules.findLast(
      (rule) =>
        (rule.type === 'a' || rule.type === request.type) &&
        (rule.major === undefined || rule.major === request.major) &&
        (rule.minor === undefined || rule.minor === request.minor) &&
        (rule.access & bit) !== 0,
    );
    return last?.allow ?? false;
  });
}

function run(rules: readonly DeviceMatch[], { type, major, minor, access }: Request): boolean {
  const program = compileDeviceProgram(simplifyDeviceRules(rules));
  return interpret(program, [(access << 16) | (type === 'b' ? BLOCK : CHARACTER), major, minor]) === 1n;
}

const rule = (
  allow: boolean,
  type: DeviceMatch['type'],
  major?: number,
  minor?: number,
  access: number = allAccess,
): DeviceMatch => ({ allow, type, major, minor, access });

const number = fc.option(fc.constantFrom(0, 1, 2, 255, 0xfff), { nil: undefined });
const anyRule: fc.Arbitrary<DeviceMatch> = fc.record({
  allow: fc.boolean(),
  type: fc.constantFrom('a' as const, 'b' as const, 'c' as const),
  major: number,
  minor: number,
  access: fc.integer({ min: 0, max: 7 }),
});
const anyRequest: fc.Arbitrary<Request> = fc.record({
  type: fc.constantFrom('b' as const, 'c' as const),
  major: fc.constantFrom(0, 1, 2, 3, 255, 0xfff),
  minor: fc.constantFrom(0, 1, 2, 255, 0xfffff),
  access: fc.integer({ min: 0, max: 7 }),
});

describe('compileDeviceProgram()', () => {
  it('decides every access as the rules do', () => {
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 12 }), fc.array(anyRequest, { minLength: 1 }), (rules, requests) => {
        for (const request of requests) expect(run(rules, request)).toBe(decide(rules, request));
      }),
      { numRuns: 1000 },
    );
  });

  const zero: Request = { type: 'c', major: 1, minor: 5, access: READ | WRITE };
  const disk: Request = { type: 'b', major: 254, minor: 0, access: READ };

  it.each<[string, readonly DeviceMatch[], Request, boolean]>([
    ['CGN-05 an empty list denies', [], zero, false],
    ['CGN-05 a later rule wins', [rule(true, 'c', 1, 5), rule(false, 'c', 1, 5)], zero, false],
    ['CGN-05 an allow-list is no deny-list', [rule(false, 'a'), rule(true, 'c', 1, 5)], disk, false],
    ['CGN-05 allows what it lists', [rule(false, 'a'), rule(true, 'c', 1, 5)], zero, true],
    ['CGN-05 a wildcard minor', [rule(true, 'c', 1)], zero, true],
    ['CGN-05 a wildcard major', [rule(true, 'c', undefined, 5)], zero, true],
    ['CGN-05 the other type with the same numbers', [rule(true, 'b', 1, 5)], zero, false],
    ['CGN-05 one bit is not two', [rule(true, 'c', 1, 5, READ)], zero, false],
    ['CGN-05 two rules give two bits', [rule(true, 'c', 1, 5, READ), rule(true, 'c', 1, 5, WRITE)], zero, true],
    ['CGN-05 one denied bit denies', [rule(true, 'a'), rule(false, 'c', 1, 5, WRITE)], zero, false],
    ['CGN-05 allow-all but one', [rule(true, 'a'), rule(false, 'b', 254)], disk, false],
    ['CGN-05 type a with numbers is both types', [rule(true, 'a', 254, 0)], disk, true],
  ])('%s', (_, rules, request, expected) => {
    expect(run(rules, request)).toBe(expected);
  });
});

describe('simplifyDeviceRules()', () => {
  it('forgets what comes before a rule about everything', () => {
    expect(simplifyDeviceRules([rule(true, 'c', 1, 3), rule(true, 'a')])).toEqual({ isDefaultAllow: true, rules: [] });
  });

  it('forgets rules that a later one overrides, and those that say what holds anyway', () => {
    const rules = [rule(false, 'b', 8), rule(true, 'c', 1, 3, READ), rule(true, 'c', 1, 3)];
    expect(simplifyDeviceRules(rules)).toEqual({ isDefaultAllow: false, rules: [rule(true, 'c', 1, 3)] });
  });
});

describe('Assembler', () => {
  it('lays instructions out as struct bpf_insn', () => {
    const program = new Assembler();
    program.load(2, 1, 4);
    const over = program.jumpIfNotEqual(2, -2);
    program.and(2, 6);
    program.land(over);
    program.leave(1);
    expect([...program.bytes()]).toEqual([
      ...[0x61, 0x12, 4, 0, 0, 0, 0, 0],
      ...[0x55, 0x02, 1, 0, 0xfe, 0xff, 0xff, 0xff],
      ...[0x54, 0x02, 0, 0, 6, 0, 0, 0],
      ...[0xb7, 0x00, 0, 0, 1, 0, 0, 0],
      ...[0x95, 0x00, 0, 0, 0, 0, 0, 0],
    ]);
  });

  it('refuses a jump that its 16 bits cannot hold', () => {
    const program = new Assembler();
    const start = program.jump();
    for (let index = 0; index < 0x8000; index++) program.and(2, 1);
    expect(() => program.land(start)).toThrow(RangeError);
  });
});
