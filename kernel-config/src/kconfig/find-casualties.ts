import type { MergedRequests } from '../fragment/merge-fragments.ts';
import type { Assignment } from '../fragment/parse-fragment.ts';
import type { DotConfig } from './dot-config.ts';

/** A request that the kernel's configuration tool did not honour. */
export interface Casualty {
  readonly request: Assignment;
  /** What the symbol is in the result; `n` also when the kernel does not know it. */
  readonly actual: string;
}

/**
 * Compares requests with the result. Kconfig drops a symbol without a word when a dependency is missing or the
 * symbol was renamed, and switches one on that another selects; both are casualties here.
 */
export function findCasualties(requests: MergedRequests, result: DotConfig): Casualty[] {
  const casualties: Casualty[] = [];
  for (const request of requests.values()) {
    const actual = result.get(request.name) ?? 'n';
    if (actual !== request.value) casualties.push({ request, actual });
  }
  return casualties;
}
