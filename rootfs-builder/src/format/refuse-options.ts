import { BuildError } from '../build-error.ts';
import type { Format, FormatRequest } from './format.ts';

const COMMON = ['tree', 'output', 'sourceDateEpoch', 'architecture', 'signal', 'report'] as const;
type Option = Exclude<keyof FormatRequest, (typeof COMMON)[number]>;

/** Throws BuildError when `request` has an option that the format does not know, so that nothing is silently ignored. */
export function allowOptions(kind: Format, request: FormatRequest, known: readonly Option[]): void {
  for (const [option, value] of Object.entries(request)) {
    if (value === undefined || (COMMON as readonly string[]).includes(option)) continue;
    if (!(known as readonly string[]).includes(option))
      throw new BuildError(`format ${kind}: it has no option "${option}"`);
  }
}
