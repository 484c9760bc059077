import { BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR } from '../../abi/bpf.ts';
import { layouts } from '../../abi/layouts.ts';
import { allAccess } from './device-policy.ts';
import type { DeviceMatch, DevicePolicy } from './device-policy.ts';
import { instruction } from './instruction.ts';
import type { Instruction, Register } from './instruction.ts';

const result: Register = 0;
const context: Register = 1;
/** Bits of the access that no rule has decided yet. */
const open: Register = 2;
/** The number being compared. */
const subject: Register = 3;

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

const at = layouts.bpf_cgroup_dev_ctx;

const load = (target: Register, offset: number): Instruction =>
  instruction('loadWord', { target, source: context, offset });

/**
 * Every rule loads what it compares anew. Were the numbers kept in registers, the verifier would carry what each comparison
 * taught it into all rules that follow, and its work would grow with the square of their count.
 */
function compileRule(rule: DeviceMatch): readonly Instruction[] {
  const body = decide(rule);
  const tests: { readonly load: readonly Instruction[]; readonly immediate: number }[] = [];
  if (rule.type !== 'a') {
    const lowHalf = instruction('andImmediate32', { target: subject, immediate: 0xffff });
    tests.push({ load: [load(subject, at.access_type), lowHalf], immediate: typeNumbers[rule.type] });
  }
  if (rule.major !== undefined) tests.push({ load: [load(subject, at.major)], immediate: rule.major });
  if (rule.minor !== undefined) tests.push({ load: [load(subject, at.minor)], immediate: rule.minor });
  // From the last test to the first, because a jump to the next rule passes over all that comes after it.
  return tests.reduceRight<readonly Instruction[]>(
    (rest, test) => [
      ...test.load,
      instruction('jumpIfNotEqual', { target: subject, immediate: test.immediate, offset: rest.length }),
      ...rest,
    ],
    body,
  );
}

/**
 * A program for BPF_PROG_TYPE_CGROUP_DEVICE (linux/bpf.h, `struct bpf_cgroup_dev_ctx`) that returns 1 for an access whose
 * every bit is allowed. Rules are tested from the last to the first; straight down, so that its length is all that counts.
 */
export function compileDeviceProgram(policy: DevicePolicy): readonly Instruction[] {
  return [
    load(open, at.access_type),
    instruction('shiftRightImmediate32', { target: open, immediate: 16 }),
    // Nothing asked: neither read, written nor made.
    instruction('jumpIfNotEqual', { target: open, immediate: 0, offset: 2 }),
    ...leave(true),
    ...policy.rules.toReversed().flatMap(compileRule),
    ...leave(policy.isDefaultAllow),
  ];
}
