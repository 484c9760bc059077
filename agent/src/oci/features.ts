import { capabilityNames } from './capability-names.ts';
import { namespaceTypes } from './spec.ts';

/** What the parts of the runtime say of themselves. */
export interface FeatureFacts {
  /** Of the program, for the annotations. */
  readonly version: string;
  /** Names of mount options that are not the file system's own. */
  readonly mountOptions: readonly string[];
  readonly seccomp: {
    readonly actions: readonly string[];
    readonly operators: readonly string[];
    readonly archs: readonly string[];
    readonly knownFlags: readonly string[];
    /** Those of them that this kernel has. */
    readonly supportedFlags: readonly string[];
  };
  readonly hasAppArmor: boolean;
  readonly hasSelinux: boolean;
  readonly hasIntelRdt: boolean;
  readonly hasIdMappedMounts: boolean;
  readonly hasNetDevices: boolean;
}

const sorted = (names: readonly string[]): readonly string[] => [...names].sort();

/** The features document (runtime-spec, features.md): what this runtime recognizes, whatever the machine can do. JSON. */
export function featuresJson(facts: FeatureFacts): string {
  const { seccomp } = facts;
  const features = {
    ociVersionMin: '1.0.0',
    ociVersionMax: '1.3.0',
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: sorted(facts.mountOptions),
    linux: {
      namespaces: sorted(namespaceTypes),
      capabilities: capabilityNames,
      cgroup: { v1: false, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: sorted(seccomp.actions),
        operators: sorted(seccomp.operators),
        archs: sorted(seccomp.archs),
        knownFlags: sorted(seccomp.knownFlags),
        supportedFlags: sorted(seccomp.supportedFlags),
      },
      apparmor: { enabled: facts.hasAppArmor },
      selinux: { enabled: facts.hasSelinux },
      intelRdt: { enabled: facts.hasIntelRdt, schemata: false },
      mountExtensions: { idmap: { enabled: facts.hasIdMappedMounts } },
      netDevices: { enabled: facts.hasNetDevices },
    },
    annotations: {
      'kihon.version': facts.version,
      // Callers ask for it by runc's name.
      'org.opencontainers.runc.checkpoint.enabled': 'false',
    },
  };
  return JSON.stringify(features, null, 2);
}
