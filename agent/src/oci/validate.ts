import { invalidArgument } from '../base/errors.ts';
import { cleanPath } from './guest-path.ts';
import { assertNoNul } from './no-nul.ts';
import type { Spec } from './spec.ts';
import {
  checkDevices,
  checkHiddenPaths,
  checkHooks,
  checkHostname,
  checkLabels,
  checkNamespaces,
  checkPropagation,
  checkSeccomp,
  checkSysctls,
  checkUserNamespace,
} from './validate-linux.ts';
import { validateMounts } from './validate-mounts.ts';
import { validateProcess } from './validate-process.ts';
import { validateResources } from './validate-resources.ts';

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
const specChecks: readonly ((spec: Spec) => void)[] = [
  (spec) => assertNoNul(spec, 'OCI'),
  checkRoot,
  checkInitProcess,
  checkNamespaces,
  checkUserNamespace,
  checkSeccomp,
  checkHooks,
  checkHostname,
  checkHiddenPaths,
  checkLabels,
  checkSysctls,
  checkDevices,
  checkPropagation,
  validateMounts,
  (spec) => validateResources(spec.linux.resources),
];

/**
 * Checks a whole spec (contract, lifecycle section 4.2, and the rows of the security cases that a text can show). Throws
 * `invalid_argument` naming the field, or `unimplemented` for a setting that we cannot honour. Returns one line for each
 * setting that is accepted without effect; the caller logs them.
 */
export function validateSpec(spec: Spec): readonly string[] {
  for (const check of specChecks) check(spec);
  const warnings: string[] = [];
  if (spec.linux.resources.devices.length > 0) {
    warnings.push('linux.resources.devices: accepted, not enforced yet');
  }
  if (spec.process.apparmorProfile !== undefined) {
    warnings.push('process.apparmorProfile: accepted, the guest has no AppArmor');
  }
  return warnings;
}
