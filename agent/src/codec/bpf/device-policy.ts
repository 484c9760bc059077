import { BPF_DEVCG_ACC_MKNOD, BPF_DEVCG_ACC_READ, BPF_DEVCG_ACC_WRITE } from '../../abi/bpf.ts';

/** One rule about devices. Rules come in order; for each access bit the last rule that matches decides. */
export interface DeviceMatch {
  readonly allow: boolean;
  /** `a` is both. */
  readonly type: 'a' | 'b' | 'c';
  /** Undefined: any. */
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** BPF_DEVCG_ACC_* bits. */
  readonly access: number;
}

export const allAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

/** Rules in their shortest form: what holds where none matches, and those that make a difference. */
export interface DevicePolicy {
  readonly isDefaultAllow: boolean;
  readonly rules: readonly DeviceMatch[];
}

function isTotal(rule: DeviceMatch): boolean {
  return rule.type === 'a' && rule.major === undefined && rule.minor === undefined && rule.access === allAccess;
}

/**
 * The same decisions with fewer rules: everything before the last rule about all devices is dead, that rule is the default
 * (deny without one), and of rules about the same devices only the bits count that no later one decides.
 */
export function simplifyDeviceRules(rules: readonly DeviceMatch[]): DevicePolicy {
  const lastTotal = rules.findLastIndex(isTotal);
  const isDefaultAllow = rules[lastTotal]?.allow ?? false;
  const decided = new Map<string, number>();
  const kept: DeviceMatch[] = [];
  for (const rule of rules.slice(lastTotal + 1).reverse()) {
    const key = `${rule.type}:${rule.major ?? '*'}:${rule.minor ?? '*'}`;
    const known = decided.get(key) ?? 0;
    const access = rule.access & ~known;
    if (access === 0) continue;
    decided.set(key, known | access);
    kept.push({ ...rule, access });
  }
  kept.reverse();
  const firstException = kept.findIndex((rule) => rule.allow !== isDefaultAllow);
  return { isDefaultAllow, rules: firstException === -1 ? [] : kept.slice(firstException) };
}
