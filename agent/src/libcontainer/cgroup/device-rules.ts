import { BPF_DEVCG_ACC_MKNOD, BPF_DEVCG_ACC_READ, BPF_DEVCG_ACC_WRITE } from '../../abi/bpf.ts';
import { allAccess } from '../../codec/bpf/device-policy.ts';
import type { DeviceMatch } from '../../codec/bpf/device-policy.ts';
import type { DeviceRule, DeviceSpec } from '../../oci/spec.ts';

const accessBits: Readonly<Partial<Record<string, number>>> = {
  r: BPF_DEVCG_ACC_READ,
  w: BPF_DEVCG_ACC_WRITE,
  m: BPF_DEVCG_ACC_MKNOD,
};

function accessOf(letters: string): number {
  let access = 0;
  for (const letter of letters) access |= accessBits[letter] ?? 0;
  return access;
}

/** Rules of a spec that passed `validateResources`. */
function matchesOf(rules: readonly DeviceRule[]): readonly DeviceMatch[] {
  return rules.map(({ allow: isAllowed, type, major, minor, access }) => ({
    allow: isAllowed,
    type,
    major: major === undefined ? undefined : Number(major),
    minor: minor === undefined ? undefined : Number(minor),
    access: accessOf(access),
  }));
}

function allow(type: 'b' | 'c', major?: number, minor?: number, access: number = allAccess): DeviceMatch {
  return { allow: true, type, major, minor, access };
}

/**
 * What every container may use (runtime-spec, config-linux, "Default Devices", and the contract's list, lifecycle 12.3): any node
 * may be made, the six default ones, terminals, and tun may be used.
 */
const commonDevices: readonly DeviceMatch[] = [
  allow('c', undefined, undefined, BPF_DEVCG_ACC_MKNOD),
  allow('b', undefined, undefined, BPF_DEVCG_ACC_MKNOD),
  allow('c', 1, 3), // null
  allow('c', 1, 5), // zero
  allow('c', 1, 7), // full
  allow('c', 1, 8), // random
  allow('c', 1, 9), // urandom
  allow('c', 5, 0), // tty
  allow('c', 5, 2), // ptmx
  allow('c', 136), // pts/*
  allow('c', 10, 200), // net/tun
];

const consoleDevice = allow('c', 5, 1);

/** From the rules of `linux.resources.devices` and the nodes of `linux.devices` to all that holds, in order. */
export type DevicePolicySource = (rules: readonly DeviceRule[], nodes: readonly DeviceSpec[]) => readonly DeviceMatch[];

function isTotal(rule: DeviceMatch): boolean {
  return rule.type === 'a' && rule.major === undefined && rule.minor === undefined && rule.access === allAccess;
}

/**
 * A guest's rules (contract, lifecycle section 12.3): a container whose first rule about all devices allows them may use
 * everything. Any other gets the default list, its own rules about single devices in their order, and the devices passed to it.
 */
export const guestDevicePolicy: DevicePolicySource = (rules, nodes) => {
  const own = matchesOf(rules);
  const first = own.find(isTotal);
  if (first?.allow === true) return [first];
  const passed = nodes.flatMap(({ type, major, minor }) => (type === 'p' ? [] : [allow(type, major, minor)]));
  return [...commonDevices, consoleDevice, ...own.filter((rule) => !isTotal(rule)), ...passed];
};

/**
 * An OCI runtime's rules: those of the spec in their order, and after them, so that no rule takes them away, the default
 * devices, which runc grants in the same place. Nodes of `linux.devices` are made but give no access.
 */
export const runtimeDevicePolicy: DevicePolicySource = (rules) => [...matchesOf(rules), ...commonDevices];
