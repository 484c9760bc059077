import { type Assignment, FragmentError } from './parse-fragment.ts';

/** Requests of all fragments of one configuration, by symbol, in order of the names. */
export type MergedRequests = ReadonlyMap<string, Assignment>;

/**
 * Joins fragments. Two fragments may ask for the same value, never for different ones: which one wins must not
 * depend on their order.
 *
 * @throws {FragmentError} naming both places of a contradiction.
 */
export function mergeFragments(fragments: readonly (readonly Assignment[])[]): MergedRequests {
  const merged = new Map<string, Assignment>();
  for (const assignment of fragments.flat()) {
    const earlier = merged.get(assignment.name);
    if (earlier && earlier.value !== assignment.value) {
      throw new FragmentError(
        `CONFIG_${assignment.name} is ${earlier.value} in ${place(earlier)} but ${assignment.value} in ${place(assignment)}`,
      );
    }
    if (!earlier) merged.set(assignment.name, assignment);
  }
  return new Map([...merged].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The merged requests in the form that KCONFIG_ALLCONFIG takes. Same requests, same text. */
export function formatRequests(requests: MergedRequests): string {
  const lines = [...requests.values()].map(({ name, value }) =>
    value === 'n' ? `# CONFIG_${name} is not set` : `CONFIG_${name}=${value}`,
  );
  return lines.join('\n') + '\n';
}

function place(assignment: Assignment): string {
  return `${assignment.fragment}.config:${assignment.line}`;
}
