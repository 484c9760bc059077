import { createRequire } from 'node:module';

/** A family as the package has it. */
export interface NpmFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly metrics: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: string }[];
}

/** Reads metrics with a parser that is not ours (npm: parse-prometheus-text-format, after Prometheus' own Python client). */
export function parseWithNpm(text: string): readonly NpmFamily[] {
  const load = createRequire(import.meta.url);
  const parse = load('parse-prometheus-text-format') as (input: string) => NpmFamily[];
  return parse(text);
}
