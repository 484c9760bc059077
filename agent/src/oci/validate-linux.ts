import { DomainError, invalidArgument } from '../base/errors.ts';
import { encodeBytes } from '../base/text.ts';
import { cleanPath, pathNames } from '../base/guest-path.ts';
import { checkSelinuxLabel } from './validate-labels.ts';
import { maxMapEntries } from './proto-values.ts';
import type { SpecRules } from './spec-rules.ts';
import type { NamespaceType, Spec } from './spec.ts';
import { sysctlNames, sysctlNamespace } from './sysctl-name.ts';

type SpecCheck = (spec: Spec) => void;

/** A refusal of something a later version will do. */
export function notBuiltYet(field: string, what: string): DomainError {
  return new DomainError('unimplemented', `${field}: not built yet: ${what}`);
}

/** The container has a namespace of that type, new or joined. */
export function hasNamespace(spec: Spec, type: NamespaceType): boolean {
  return spec.linux.namespaces.some((entry) => entry.type === type);
}

export const checkNamespaces: SpecCheck = (spec) => {
  const seen = new Set<NamespaceType>();
  spec.linux.namespaces.forEach(({ type, path }, index) => {
    const field = `linux.namespaces[${index}]`;
    if (seen.has(type)) throw invalidArgument(`${field}.type`, `${type} is given twice`);
    seen.add(type);
    if (path === undefined) return;
    if (type === 'mount') throw invalidArgument(`${field}.path`, 'a mount namespace cannot be joined');
    pathNames(path, `${field}.path`);
  });
  if (!seen.has('mount')) throw invalidArgument('linux.namespaces', 'a container needs a mount namespace');
};

export const checkHostname: SpecCheck = (spec) => {
  for (const name of ['hostname', 'domainname'] as const) {
    const value = spec[name];
    if (value === undefined) continue;
    if (!hasNamespace(spec, 'uts')) throw invalidArgument(name, 'needs a uts namespace');
    const { length } = encodeBytes(value);
    // __NEW_UTS_LEN of linux/utsname.h.
    if (length > 64) throw invalidArgument(name, `${length} bytes, at most 64 are possible`);
  }
};

export const checkHiddenPaths: SpecCheck = (spec) => {
  for (const list of ['maskedPaths', 'readonlyPaths'] as const) {
    spec.linux[list].forEach((path, index) => {
      const field = `linux.${list}[${index}]`;
      if (cleanPath(path, field) === '/') throw invalidArgument(field, 'is the root of the container');
    });
  }
};

export const checkSysctls = (spec: Spec, rules: SpecRules): void => {
  for (const [key, value] of spec.linux.sysctl) {
    const field = `linux.sysctl[${JSON.stringify(key)}]`;
    const namespace = sysctlNamespace(sysctlNames(key));
    if (key === 'kernel.hostname') throw invalidArgument(field, 'the name of the host is given by hostname');
    if (namespace === undefined) throw invalidArgument(field, 'is not a namespaced sysctl');
    if ((namespace !== 'network' || rules.netSysctlsNeedNamespace) && !hasNamespace(spec, namespace))
      throw invalidArgument(field, `needs a ${namespace} namespace`);
    if (value.includes('\n')) throw invalidArgument(field, 'the value contains a line break');
  }
};

/** Limits of the kernel's device numbers: 12 and 20 bits (linux/kdev_t.h). */
const maxMajor = 0xfff;
const maxMinor = 0xfffff;

export const checkDevices = (spec: Spec, rules: SpecRules): void => {
  const count = spec.linux.devices.length;
  // They are hashed by path later (ENG-07).
  if (count > maxMapEntries)
    throw invalidArgument('linux.devices', `${count} devices, at most ${maxMapEntries} are accepted`);
  spec.linux.devices.forEach((device, index) => {
    const field = `linux.devices[${index}]`;
    const names = pathNames(device.path, `${field}.path`);
    if (names.length === 0 || (names.length === 1 && names[0] === 'dev'))
      throw invalidArgument(`${field}.path`, `${device.path} is a folder of its own`);
    if (names[0] !== 'dev' && rules.devicesAreBelowDev)
      throw invalidArgument(`${field}.path`, `${device.path} is not below /dev`);
    if (device.type === 'p') return;
    if (!(device.major >= 0 && device.major <= maxMajor)) throw invalidArgument(`${field}.major`, `${device.major}`);
    if (!(device.minor >= 0 && device.minor <= maxMinor)) throw invalidArgument(`${field}.minor`, `${device.minor}`);
  });
};

/** Values of `rootfsPropagation` (mount_namespaces(7)). */
const propagations: ReadonlySet<string> = new Set([
  'private',
  'rprivate',
  'slave',
  'rslave',
  'shared',
  'rshared',
  'unbindable',
  'runbindable',
]);

export const checkPropagation: SpecCheck = (spec) => {
  const propagation = spec.linux.rootfsPropagation;
  if (propagation !== undefined && !propagations.has(propagation)) {
    throw invalidArgument('linux.rootfsPropagation', `unknown value ${JSON.stringify(propagation)}`);
  }
};

export const checkLabels: SpecCheck = (spec) => {
  checkSelinuxLabel(spec.linux.mountLabel, 'linux.mountLabel');
};
