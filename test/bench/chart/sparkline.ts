const LEVELS = '▁▂▃▄▅▆▇█';

/** A row of small bars, from the lowest to the highest value; level when all are within `noise` of each other. */
export function sparkline(values: readonly number[], noise = 0): string {
  const low = Math.min(...values);
  const range = Math.max(Math.max(...values) - low, noise);
  return values
    .map((value) => LEVELS[range === 0 ? 0 : Math.round(((value - low) / range) * (LEVELS.length - 1))])
    .join('');
}
