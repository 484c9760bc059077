import type { IntelRdtSpec, LinuxSpec } from '../spec.ts';
import { notBuiltYet } from '../validate-linux.ts';
import { devices } from './devices.ts';
import { idMappings } from './id-mappings.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';
import { namespaces, timeOffsets } from './namespaces.ts';
import { resourceKeys, resourcesOf } from './resources.ts';
import { seccomp } from './seccomp.ts';

/** The keys of `linux` (config-linux.md). */
export const linuxKeys = knownKeys(
  'namespaces',
  'uidMappings',
  'gidMappings',
  'timeOffsets',
  'devices',
  'netDevices',
  'cgroupsPath',
  'resources',
  'intelRdt',
  'memoryPolicy',
  'sysctl',
  'seccomp',
  'rootfsPropagation',
  'maskedPaths',
  'readonlyPaths',
  'mountLabel',
  'personality',
);
const netDeviceKeys = knownKeys('name');
const memoryPolicyKeys = knownKeys('mode', 'nodes', 'flags');
const personalityKeys = knownKeys('domain', 'flags');
const rdtKeys = knownKeys(
  'closID',
  'schemata',
  'l3CacheSchema',
  'memBwSchema',
  'enableCMT',
  'enableMBM',
  'enableMonitoring',
);

function memoryPolicy(linux: JsonObject): LinuxSpec['memoryPolicy'] {
  const section = linux.object('memoryPolicy', memoryPolicyKeys);
  if (section === undefined) return undefined;
  return {
    mode: section.requiredString('mode'),
    nodes: section.string('nodes') ?? '',
    flags: section.strings('flags'),
  };
}

function personality(linux: JsonObject): LinuxSpec['personality'] {
  const section = linux.object('personality', personalityKeys);
  if (section === undefined) return undefined;
  const domain = section.oneOf('domain', ['LINUX', 'LINUX32'], 'domain');
  if (domain === undefined) throw section.error('domain', 'missing');
  const flags = section.strings('flags');
  // The specification reserves them: "currently no flag values are supported".
  if (flags.length > 0) throw section.error('flags[0]', `unknown flag ${JSON.stringify(flags[0])}`);
  return { domain, flags };
}

function intelRdt(linux: JsonObject): IntelRdtSpec | undefined {
  const section = linux.object('intelRdt', rdtKeys);
  if (section === undefined) return undefined;
  for (const key of ['enableCMT', 'enableMBM', 'enableMonitoring'])
    if (section.boolean(key)) throw notBuiltYet(section.pathOf(key), 'monitoring groups of resctrl');
  if (section.strings('schemata').length > 0) throw notBuiltYet(section.pathOf('schemata'), 'lists of schemata');
  return {
    closId: section.text('closID'),
    l3CacheSchema: section.text('l3CacheSchema'),
    memBwSchema: section.text('memBwSchema'),
  };
}

/** The members of `linux`. */
export function linuxSpec(linux: JsonObject): LinuxSpec {
  return {
    namespaces: namespaces(linux),
    uidMappings: idMappings(linux, 'uidMappings'),
    gidMappings: idMappings(linux, 'gidMappings'),
    devices: devices(linux),
    cgroupsPath: linux.string('cgroupsPath') ?? '',
    resources: resourcesOf(linux.object('resources', resourceKeys)),
    rootfsPropagation: linux.text('rootfsPropagation'),
    seccomp: seccomp(linux),
    timeOffsets: timeOffsets(linux),
    personality: personality(linux),
    memoryPolicy: memoryPolicy(linux),
    netDevices: linux.objectMap('netDevices', netDeviceKeys, (entry) => entry.text('name')),
    sysctl: linux.stringMap('sysctl'),
    maskedPaths: linux.strings('maskedPaths'),
    readonlyPaths: linux.strings('readonlyPaths'),
    mountLabel: linux.text('mountLabel'),
    intelRdt: intelRdt(linux),
  };
}
