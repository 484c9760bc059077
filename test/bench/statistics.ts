/** Samples of one quantity, sorted. */
export interface Samples {
  readonly count: number;
  readonly median: number;
  /** Quartiles: half of the samples lie between them. */
  readonly low: number;
  readonly high: number;
}

/** The value below which `share` of sorted samples lie. NaN without samples. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? NaN;
  const above = sorted[Math.ceil(position)] ?? NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** Median and quartiles. */
export function summarize(values: readonly number[]): Samples {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
  };
}

/** How long `work` takes, in ms. */
export async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Runs `sample` `count` times, one after the other. */
export async function repeat(count: number, sample: (index: number) => Promise<number>): Promise<Samples> {
  const values: number[] = [];
  for (let index = 0; index < count; index++) values.push(await sample(index));
  return summarize(values);
}

/**
 * Samples of several contestants, taken in turns: what else the machine does then hits all of them alike, and their ratio
 * holds although the times do not. Whoever begins changes every round.
 */
export async function interleave<K extends string>(
  rounds: number,
  contestants: Readonly<Record<K, (round: number) => Promise<number>>>,
): Promise<Record<K, Samples>> {
  const names = Object.keys(contestants) as K[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? names : [...names].reverse();
    for (const name of order) values[name].push(await contestants[name](round));
  }
  return Object.fromEntries(names.map((name) => [name, summarize(values[name])])) as Record<K, Samples>;
}
