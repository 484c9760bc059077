import type { Samples } from '../statistics.ts';

/** Three significant digits, or all digits of a large whole part, with commas. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The quartiles of samples; empty for a single value. */
export function formatSpread(value: number | Samples): string {
  if (typeof value === 'number' || value.count < 4) return '';
  return `${formatNumber(value.low)} to ${formatNumber(value.high)}`;
}
