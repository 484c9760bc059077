import { BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR } from '../../abi/bpf.ts';
import { layouts } from '../../abi/layouts.ts';
import { allAccess } from './device-policy.ts';
import type { DeviceMatch, DevicePolicy } from './device-policy.ts';
import { instruction } from './instruction.ts';
import type { Instruction, Register } from './instruction.ts';

const result: Register = 0;
const context: Register = 1;
const type: Register = 2;
/** Bits of the access that no rule has decided yet. */
const open: Register = 3;
const major: Register = 4;
const minor: Register = 5;

const typeNumbers = { b: BPF_DEVCG_DEV_BLOCK, c: BPF_DEVCG_DEV_CHAR } as const;

function leave(isAllowed: boolean): readonly Instruction[] {
  return [instruction('moveImmediate', { target: result, immediate: isAllowed ? 1 : 0 }), instruction('exit')];
}

/** What a rule does to an access it matches; falls through when bits stay open. */
function decide(rule: DeviceMatch): readonly Instruction[] {
  if (rule.access === allAccess) return leave(rule.allow);
  const end = leave(rule.allow);
  if (rule.allow) {
    return [
      instruction('andImmediate32', { target: open, immediate: allAccess & ~rule.access }),
      instruction('jumpIfNotEqual', { target: open, immediate: 0, offset: end.length }),
      ...end,
    ];
  }
  return [
    instruction('jumpIfAnyBit', { target: open, immediate: rule.access, offset: 1 }),
    instruction('jump', { offset: end.length }),
    ...end,
  ];
}

function compileRule(rule: DeviceMatch): readonly Instruction[] {
  const body = decide(rule);
  const tests: (readonly [Register, number])[] = [];
  if (rule.type !== 'a') tests.push([type, typeNumbers[rule.type]]);
  if (rule.major !== undefined) tests.push([major, rule.major]);
  if (rule.minor !== undefined) tests.push([minor, rule.minor]);
  const jumps = tests.map(([target, immediate], index) =>
    instruction('jumpIfNotEqual', { target, immediate, offset: tests.length - 1 - index + body.length }),
  );
  return [...jumps, ...body];
}

/**
 * A program for BPF_PROG_TYPE_CGROUP_DEVICE (linux/bpf.h, `struct bpf_cgroup_dev_ctx`) that returns 1 for an access whose
 * every bit is allowed. Rules are tested from the last to the first; straight down, so that its length is all that counts.
 */
export function compileDeviceProgram(policy: DevicePolicy): readonly Instruction[] {
  const at = layouts.bpf_cgroup_dev_ctx;
  const load = (target: Register, offset: number): Instruction =>
    instruction('loadWord', { target, source: context, offset });
  return [
    load(type, at.access_type),
    load(major, at.major),
    load(minor, at.minor),
    instruction('moveRegister32', { target: open, source: type }),
    instruction('shiftRightImmediate32', { target: open, immediate: 16 }),
    instruction('andImmediate32', { target: type, immediate: 0xffff }),
    // Nothing asked: neither read, written nor made.
    instruction('jumpIfNotEqual', { target: open, immediate: 0, offset: 2 }),
    ...leave(true),
    ...policy.rules.toReversed().flatMap(compileRule),
    ...leave(policy.isDefaultAllow),
  ];
}
