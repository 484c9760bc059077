import { capabilityNumber } from './capability-names.ts';
import type { CapabilitySets, ProcessSpec } from './spec.ts';

const setNames = ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'] as const;

function areKnown(names: readonly string[]): boolean {
  for (const name of names) if (capabilityNumber(name) === undefined) return false;
  return true;
}

/**
 * A process without the capabilities that we do not know, and a line for each of them: runc's way, which lets profiles of newer
 * systems run. Where nothing may be passed over, `validateProcess` refuses such names instead. Either way no set grows (PRV-02).
 * A further line tells of ambient capabilities that the kernel will not take, since they are not permitted and inheritable.
 */
export function withKnownCapabilities(process: ProcessSpec): {
  readonly process: ProcessSpec;
  readonly warnings: readonly string[];
} {
  const { capabilities } = process;
  if (capabilities === undefined) return { process, warnings: [] };
  // Nearly always; then there is nothing to leave out.
  if (capabilities.ambient.length === 0 && setNames.every((set) => areKnown(capabilities[set])))
    return { process, warnings: [] };
  const unknown = new Set<string>();
  const keep = (names: readonly string[]): readonly string[] =>
    names.filter((name) => {
      if (capabilityNumber(name) !== undefined) return true;
      unknown.add(name);
      return false;
    });
  const known = Object.fromEntries(setNames.map((set) => [set, keep(capabilities[set])])) as Record<
    (typeof setNames)[number],
    readonly string[]
  >;
  const sets: CapabilitySets = known;
  const unusable = sets.ambient.filter((name) => !sets.permitted.includes(name) || !sets.inheritable.includes(name));
  return {
    process: { ...process, capabilities: sets },
    warnings: [
      ...[...unknown].map(
        (name) => `process.capabilities: unknown capability ${JSON.stringify(name.slice(0, 80))} ignored`,
      ),
      ...unusable.map(
        (name) => `process.capabilities.ambient: ${name} is not permitted and inheritable, so it stays out`,
      ),
    ],
  };
}
