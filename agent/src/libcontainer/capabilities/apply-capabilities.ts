import { DomainError } from '../../base/errors.ts';
import { capabilityNames } from '../../oci/capability-names.ts';
import { capget, capset, clearAmbient, dropBounding, raiseAmbient } from '../../sys/process.ts';
import type { CapabilityNumbers } from '../plan/launch-plan.ts';

/** Capabilities as the bits of a set. In halves, since a BigInt for each of them is an object. */
function mask(...lists: readonly (readonly number[])[]): bigint {
  let low = 0;
  let high = 0;
  for (const list of lists) {
    for (const capability of list) {
      if (capability < 32) low |= 1 << capability;
      else high |= 1 << (capability - 32);
    }
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/**
 * Numbers of the 64 bits a set has. The kernel knows fewer; that it is asked for each of them, and not for how many there are, is what no
 * covered file can change (EXE-07).
 */
const capabilities = Array.from({ length: 64 }, (_, capability) => capability);

/** Cuts the bounding set to `keep`. Needs CAP_SETPCAP, so it comes before the change of user. */
export function cutBoundingSet(keep: readonly number[]): void {
  dropBounding(capabilities.filter((capability) => !keep.includes(capability)));
}

function namesIn(bits: bigint): readonly string[] {
  return capabilityNames.filter((_name, capability) => ((bits >> BigInt(capability)) & 1n) === 1n);
}

/**
 * Sets effective, permitted, inheritable and ambient sets and reads them back; `kept` come on top of the first two. Failures
 * of ambient ones are ignored (contract). Gives the names of what the caller itself does not have: it stays out of all sets, as
 * config.md ("Linux Process") wants it, and no set grows by that.
 */
export function applyCapabilities(sets: CapabilityNumbers, kept: readonly number[] = []): readonly string[] {
  const available = capget().permitted;
  const missing = mask(kept) & ~available;
  if (missing !== 0n) {
    throw new DomainError(
      'failed_precondition',
      `the container runtime itself does not have ${namesIn(missing).join(', ')}`,
    );
  }
  const asked = mask(sets.permitted, sets.effective, sets.inheritable);
  const wanted = {
    effective: mask(sets.effective, kept) & available,
    permitted: mask(sets.permitted, kept) & available,
    inheritable: mask(sets.inheritable) & available,
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
  const denied = asked & ~available;
  return denied === 0n ? [] : namesIn(denied);
}

/** Takes capabilities out of the permitted and the effective set. */
export function dropCapabilities(capabilities: readonly number[]): void {
  const given = mask(capabilities);
  const { effective, permitted, inheritable } = capget();
  capset({ effective: effective & ~given, permitted: permitted & ~given, inheritable });
}
