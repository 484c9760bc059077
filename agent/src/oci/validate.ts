import { invalidArgument } from '../base/errors.ts';
import { cleanPath } from '../base/guest-path.ts';
import { assertNoNul } from './no-nul.ts';
import { agentRules } from './spec-rules.ts';
import type { SpecRules } from './spec-rules.ts';
import type { Spec } from './spec.ts';
import {
  checkDevices,
  checkHiddenPaths,
  checkHostname,
  checkLabels,
  checkNamespaces,
  checkPropagation,
  checkSysctls,
} from './validate-linux.ts';
import { checkHookFields } from './validate-hooks.ts';
import { checkIdMappings, checkTimeOffsets } from './validate-mappings.ts';
import { checkMemoryPolicy } from './validate-memory-policy.ts';
import { validateMounts } from './validate-mounts.ts';
import { checkNetDevices } from './validate-net-devices.ts';
import { validateProcess } from './validate-process.ts';
import { validateResources } from './validate-resources.ts';
import { checkSeccomp } from './validate-seccomp.ts';

function checkRoot(spec: Spec): void {
  const path = cleanPath(spec.root.path, 'root.path');
  if (path === '/') throw invalidArgument('root.path', 'is the root of the guest');
  if (path !== spec.root.path) throw invalidArgument('root.path', `${spec.root.path} is not in its plain form ${path}`);
}

function checkInitProcess(spec: Spec): void {
  if (spec.process.capabilities === undefined) {
    throw invalidArgument('process.capabilities', 'missing process capabilities');
  }
  validateProcess(spec.process);
}

/** Every check of a container's spec, in the order of their reports. None has side effects. */
const specChecks: readonly ((spec: Spec, rules: SpecRules) => void)[] = [
  (spec, rules) => {
    if (rules.mayHoldNul) assertNoNul(spec, 'OCI');
  },
  checkRoot,
  checkInitProcess,
  checkNamespaces,
  checkIdMappings,
  checkTimeOffsets,
  checkSeccomp,
  checkHookFields,
  checkHostname,
  checkHiddenPaths,
  checkLabels,
  checkSysctls,
  checkDevices,
  checkPropagation,
  checkMemoryPolicy,
  checkNetDevices,
  validateMounts,
  (spec) => validateResources(spec.linux.resources),
];

/**
 * Checks a whole spec (contract, lifecycle section 4.2, and the rows of the security cases that a text can show); `rules`
 * says for whom. Throws `invalid_argument` naming the field, or `unimplemented` for a setting that we cannot honour. Returns
 * one line for each setting that is accepted without effect; the caller logs them.
 */
export function validateSpec(spec: Spec, rules: SpecRules = agentRules): readonly string[] {
  for (const check of specChecks) check(spec, rules);
  return [];
}
