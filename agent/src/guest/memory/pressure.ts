/** Pressure stall information: Documentation/accounting/psi.rst. */

/** The microseconds of `some` in which at least one task waited, of a pressure file; undefined when it is none. */
export function parseStallUs(text: string | undefined): bigint | undefined {
  const total = /^some .*\btotal=(\d{1,20})\b/m.exec(text ?? '')?.[1];
  return total === undefined ? undefined : BigInt(total);
}

/** How much of the time between two readings somebody waited, in percent; a counter that went back counts as none. */
export function stallPercent(beforeUs: bigint, afterUs: bigint, elapsedMs: number): number {
  if (elapsedMs <= 0 || afterUs <= beforeUs) return 0;
  return Number(afterUs - beforeUs) / (elapsedMs * 10);
}
