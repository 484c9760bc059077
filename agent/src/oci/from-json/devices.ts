import type { DeviceRule, DeviceSpec } from '../spec.ts';
import { int64, uint32 } from './integer-range.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';

const deviceKeys = knownKeys('path', 'type', 'major', 'minor', 'fileMode', 'uid', 'gid');
const ruleKeys = knownKeys('allow', 'type', 'major', 'minor', 'access');

/** S_IFMT: engines send the type of the node along, which `type` says already. */
const typeBits = 0o170000;

function fileMode(device: JsonObject): number | undefined {
  const mode = device.integer('fileMode', uint32);
  if (mode === undefined) return undefined;
  const permissions = mode & ~typeBits;
  if (permissions < 0 || permissions > 0o7777) throw device.error('fileMode', `${mode} has bits beyond 07777`);
  return permissions;
}

/** `linux.devices` (config-linux.md, "Devices"). */
export function devices(linux: JsonObject): readonly DeviceSpec[] {
  return linux.objects('devices', deviceKeys, (device) => {
    const type = device.oneOf('type', ['b', 'c', 'u', 'p'], 'device type');
    if (type === undefined) throw device.error('type', 'missing');
    return {
      path: device.requiredString('path'),
      type: type === 'u' ? 'c' : type,
      // Beyond 32 bits nothing is possible; validation knows the kernel's narrower bounds.
      major: device.integer('major', uint32) ?? 0,
      minor: device.integer('minor', uint32) ?? 0,
      fileMode: fileMode(device),
      uid: device.integer('uid', uint32) ?? 0,
      gid: device.integer('gid', uint32) ?? 0,
    };
  });
}

/** Absent and -1 are the wildcard. */
function deviceNumber(rule: JsonObject, key: string): bigint | undefined {
  const value = rule.bigint(key, int64);
  if (value === undefined || value === -1n) return undefined;
  if (value < 0n) throw rule.error(key, `${value} is neither a device number nor -1`);
  return value;
}

/** `linux.resources.devices` (config-linux.md, "Allowed Device list"). */
export function deviceRules(resources: JsonObject): readonly DeviceRule[] {
  return resources.objects('devices', ruleKeys, (rule) => {
    const access = rule.text('access') ?? 'rwm';
    if (!/^[rwm]{1,3}$/.test(access) || new Set(access).size !== access.length)
      throw rule.error('access', `${JSON.stringify(access.slice(0, 80))} is not made of r, w and m`);
    return {
      allow: rule.boolean('allow'),
      type: rule.has('type') ? (rule.oneOf('type', ['a', 'b', 'c'], 'device type') ?? 'a') : 'a',
      major: deviceNumber(rule, 'major'),
      minor: deviceNumber(rule, 'minor'),
      access,
    };
  });
}
