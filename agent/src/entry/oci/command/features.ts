import { architectureNames } from '../../../codec/seccomp/call-abi.ts';
import { readSecurityModules } from '../../../libcontainer/launch/security-modules.ts';
import { knownMountOptions } from '../../../libcontainer/plan/mount-options.ts';
import { featuresJson } from '../../../oci/features.ts';
import { seccompActions, seccompOperators } from '../../../oci/seccomp-names.ts';
import { exists } from '../../../sys/file.ts';
import type { Command } from '../command.ts';
import { print } from '../output.ts';
import { runtimeVersion } from '../version.ts';

/** seccomp(2), the flags of SECCOMP_SET_MODE_FILTER that a profile may name. */
const seccompFlags = [
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
];

export const command: Command = {
  usage: '',
  about: ['Shows what this runtime can do as one JSON object (runtime specification, "Features").'],
  options: [],
  operands: { least: 0, most: 0 },
  run: () => {
    const modules = readSecurityModules();
    const text = featuresJson({
      version: runtimeVersion,
      mountOptions: knownMountOptions,
      seccomp: {
        actions: seccompActions,
        operators: seccompOperators,
        archs: architectureNames,
        knownFlags: seccompFlags,
        supportedFlags: seccompFlags,
      },
      hasAppArmor: modules.hasAppArmor(),
      hasSelinux: modules.hasSelinux(),
      hasIntelRdt: exists('/sys/fs/resctrl'),
      hasIdMappedMounts: true,
      hasNetDevices: true,
    });
    print(`${text}\n`);
    return 0;
  },
};
