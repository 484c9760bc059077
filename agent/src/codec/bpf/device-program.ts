import { BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR } from '../../abi/bpf.ts';
import { layouts } from '../../abi/layouts.ts';
import { Assembler } from './assembler.ts';
import type { OpenJump, Register } from './assembler.ts';
import { allAccess } from './device-policy.ts';
import type { DeviceMatch, DevicePolicy } from './device-policy.ts';

const context: Register = 1;
/** Bits of the access that no rule has decided yet. */
const open: Register = 2;
/** The number being compared. */
const subject: Register = 3;

const typeNumbers = { b: BPF_DEVCG_DEV_BLOCK, c: BPF_DEVCG_DEV_CHAR } as const;
const at = layouts.bpf_cgroup_dev_ctx;

/** What a rule does to an access it matches; goes on behind it when bits stay open. */
function decide(program: Assembler, { allow, access }: DeviceMatch): void {
  const result = allow ? 1 : 0;
  if (access === allAccess) {
    program.leave(result);
    return;
  }
  if (allow) {
    program.and(open, allAccess & ~access);
    const goOn = program.jumpIfNotEqual(open, 0);
    program.leave(result);
    program.land(goOn);
    return;
  }
  const denied = program.jumpIfAnyBit(open, access);
  const goOn = program.jump();
  program.land(denied);
  program.leave(result);
  program.land(goOn);
}

/** Runs of neighbours that agree in something, in their order. */
function runs(rules: readonly DeviceMatch[], key: 'type' | 'major'): DeviceMatch[][] {
  const found: DeviceMatch[][] = [];
  for (const rule of rules) {
    const last = found.at(-1);
    if (last !== undefined && last[0]?.[key] === rule[key]) last.push(rule);
    else found.push([rule]);
  }
  return found;
}

/**
 * Every comparison loads its number anew. Were the numbers kept in registers, the verifier would carry what each comparison
 * taught it into all rules that follow, and its work would grow with the square of their count.
 */
function whenNumber(program: Assembler, offset: number, expected: number | undefined, body: () => void): void {
  let skip: OpenJump | undefined;
  if (expected !== undefined) {
    program.load(subject, context, offset);
    if (offset === at.access_type) program.and(subject, 0xffff);
    skip = program.jumpIfNotEqual(subject, expected);
  }
  body();
  if (skip !== undefined) program.land(skip);
}

/**
 * A program for BPF_PROG_TYPE_CGROUP_DEVICE (linux/bpf.h, `struct bpf_cgroup_dev_ctx`) that returns 1 for an access whose
 * every bit is allowed. Rules are tested from the last to the first; neighbours share the tests of type and major number.
 */
export function compileDeviceProgram(policy: DevicePolicy): Uint8Array<ArrayBuffer> {
  const program = new Assembler();
  program.load(open, context, at.access_type);
  program.shiftRight(open, 16);
  // Nothing asked: neither read, written nor made.
  const asked = program.jumpIfNotEqual(open, 0);
  program.leave(1);
  program.land(asked);
  for (const ofType of runs(policy.rules.toReversed(), 'type')) {
    const type = ofType[0]?.type ?? 'a';
    whenNumber(program, at.access_type, type === 'a' ? undefined : typeNumbers[type], () => {
      for (const ofMajor of runs(ofType, 'major')) {
        whenNumber(program, at.major, ofMajor[0]?.major, () => {
          for (const rule of ofMajor) whenNumber(program, at.minor, rule.minor, () => decide(program, rule));
        });
      }
    });
  }
  program.leave(policy.isDefaultAllow ? 1 : 0);
  return program.bytes();
}
