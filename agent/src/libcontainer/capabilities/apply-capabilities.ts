import { DomainError } from '../../base/errors.ts';
import { capabilityNames } from '../../oci/capability-names.ts';
import {
  ambientHas,
  boundingHas,
  capget,
  capset,
  clearAmbient,
  dropBounding,
  raiseAmbient,
} from '../../sys/process.ts';
import type { CapabilityNumbers } from '../plan/launch-plan.ts';

function mask(capabilities: readonly number[]): bigint {
  return capabilities.reduce((bits, capability) => bits | (1n << BigInt(capability)), 0n);
}

function nameOf(capability: number): string {
  return capabilityNames[capability] ?? `capability ${capability}`;
}

/** The numbers the kernel knows, by asking it; a file that says so could be covered in a container (EXE-07). */
function* knownCapabilities(): Generator<{ capability: number; isBounding: boolean }> {
  for (let capability = 0; capability < 64; capability++) {
    const isBounding = boundingHas(capability);
    if (isBounding === undefined) return;
    yield { capability, isBounding };
  }
}

/** Cuts the bounding set to `keep` and checks the result. Needs CAP_SETPCAP, so it comes before the change of user. */
export function cutBoundingSet(keep: readonly number[]): void {
  const kept = mask(keep);
  for (const { capability, isBounding } of knownCapabilities()) {
    if (isBounding && ((kept >> BigInt(capability)) & 1n) === 0n) dropBounding(capability);
  }
  for (const { capability, isBounding } of knownCapabilities()) {
    const isWanted = ((kept >> BigInt(capability)) & 1n) === 1n;
    if (isBounding && !isWanted) throw new DomainError('internal', `bounding set still holds ${nameOf(capability)}`);
  }
}

/** Sets effective, permitted, inheritable and ambient sets and reads them back. Failures of ambient ones are ignored (contract). */
export function applyCapabilities(sets: CapabilityNumbers): void {
  const wanted = {
    effective: mask(sets.effective),
    permitted: mask(sets.permitted),
    inheritable: mask(sets.inheritable),
  };
  clearAmbient();
  capset(wanted);
  for (const capability of sets.ambient) {
    try {
      raiseAmbient(capability);
    } catch {
      // Not permitted and inheritable at once: it stays out, which widens nothing.
    }
  }
  const actual = capget();
  for (const set of ['effective', 'permitted', 'inheritable'] as const) {
    if (actual[set] !== wanted[set]) {
      throw new DomainError(
        'internal',
        `${set} set is 0x${actual[set].toString(16)}, not 0x${wanted[set].toString(16)}`,
      );
    }
  }
  for (const { capability } of knownCapabilities()) {
    if (ambientHas(capability) && !sets.ambient.includes(capability)) {
      throw new DomainError('internal', `ambient set holds ${nameOf(capability)}`);
    }
  }
}
