import type { MetricFamily, Sample } from '../../codec/prometheus-text.ts';

/** What the kernel tells once for the program. */
export interface KernelUnits {
  /** Of the times in `/proc`. */
  readonly ticksPerSecond: number;
  readonly pageBytes: number;
}

/** A number of a `/proc` file; undefined for what is none. */
export function count(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
}

/** A gauge with one value and no label. */
export function gauge(name: string, help: string, value: bigint | number): MetricFamily {
  return { name, type: 'gauge', help, samples: [{ labels: [], value }] };
}

/** A gauge with a value for each `item`; `extra` labels come before it in the alphabet. */
export function itemGauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, type: 'gauge', help, samples };
}

/** A sample of `item`. The names of `before` must be alphabetically before `item`. */
export function item(name: string, value: bigint | number, ...before: Sample['labels']): Sample {
  return { labels: [...before, ['item', name]], value };
}

/** Thrown when a file of `/proc` is not what it should be: its families are left out. */
export function malformed(what: string): Error {
  return new Error(`${what} is not as expected`);
}

/** Rows of `Name: value unit` or `name value`: the first number by name, as far as there is one. */
export function keyedCounts(text: string): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const line of text.split('\n')) {
    const match = /^([^\s:]+):?\s+(\d{1,20})(?:\s|$)/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], BigInt(match[2]));
  }
  return values;
}
