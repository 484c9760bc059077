import type { DeviceRule, DeviceSpec, Spec } from '../../oci/spec.ts';
import { deviceError } from '../../guest/device/device-error.ts';
import type { DeviceUpdate } from '../../guest/device/device-update.ts';

const isNumbered = (device: DeviceSpec, update: DeviceUpdate): boolean => device.path === update.containerPath;

/** Key of a device's numbers in the rules of the cgroup. */
function ruleKey(type: string, major: bigint | number | undefined, minor: bigint | number | undefined): string {
  return `${type} ${major}:${minor}`;
}

/**
 * Puts the guest's numbers and paths in the place of the host's, in the devices and in the cgroup's rules (contract storage
 * 8.2). All rules are rewritten by the host's numbers, once each, before the rules that allow the updated devices are
 * added: upstream adds first, so that one device's numbers may be taken for another's.
 *
 * Throws a DomainError `internal` when updates contradict each other or the spec.
 */
export function rewriteDevices(spec: Spec, updates: readonly DeviceUpdate[]): Spec {
  if (updates.length === 0) return spec;
  const byPath = new Map<string, DeviceUpdate>();
  for (const update of updates) {
    const { containerPath } = update;
    if (byPath.has(containerPath)) throw deviceError(`Conflicting device updates for ${containerPath}`);
    byPath.set(containerPath, update);
  }
  const missing = updates.filter((update) => !spec.linux.devices.some((device) => isNumbered(device, update)));
  if (missing.length > 0) {
    throw deviceError(`Missing devices in OCI spec: ${missing.map((update) => update.containerPath).join(', ')}`);
  }
  const byNumbers = new Map<string, DeviceUpdate>();
  const devices = spec.linux.devices.map((device): DeviceSpec => {
    const update = byPath.get(device.path);
    if (update === undefined) return device;
    // With the other type's numbers the container would get a device that nobody gave it.
    if (update.type !== device.type) {
      throw deviceError(
        `${device.path} has type ${device.type} in the OCI spec, the guest's device has ${update.type}`,
      );
    }
    const key = ruleKey(device.type, device.major, device.minor);
    if (byNumbers.has(key)) throw deviceError(`Conflicting resource updates for ${key}`);
    byNumbers.set(key, update);
    return { ...device, path: update.path ?? device.path, major: update.major, minor: update.minor };
  });
  const rules = spec.linux.resources.devices.map((rule): DeviceRule => {
    if (rule.major === undefined || rule.minor === undefined) return rule;
    const update = byNumbers.get(ruleKey(rule.type, rule.major, rule.minor));
    return update === undefined ? rule : { ...rule, major: BigInt(update.major), minor: BigInt(update.minor) };
  });
  return withDevices(spec, devices, [...rules, ...updates.map(allowDevice)]);
}

/** The rule that lets a container use a device. */
export function allowDevice(device: Pick<DeviceUpdate, 'type' | 'major' | 'minor'>): DeviceRule {
  const { type, major, minor } = device;
  return { allow: true, type, major: BigInt(major), minor: BigInt(minor), access: 'rwm' };
}

/** The spec with other devices and rules. */
export function withDevices(spec: Spec, devices: readonly DeviceSpec[], rules: readonly DeviceRule[]): Spec {
  return { ...spec, linux: { ...spec.linux, devices, resources: { ...spec.linux.resources, devices: rules } } };
}
