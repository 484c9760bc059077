import type { Samples } from '../statistics.ts';

/** 1 MB is 1,000,000 bytes and 1 MiB is 1,048,576, as the kernel and QEMU count memory. */
export type Unit = 'MB' | 'MiB' | 'ms' | '/s' | 'MB/s';

/** One quantity, ours and that of others. */
export interface Measurement {
  readonly name: string;
  readonly unit: Unit;
  /** One value, or the samples of a time. */
  readonly ours: number | Samples;
  /** By key of the peer; missing where the peer has no such thing. */
  readonly peers?: Readonly<Record<string, number | Samples>>;
  /** CPU time of QEMU for one of these, in ms: it does not grow while others have the CPU. */
  readonly cpuMs?: number;
  /** The same of peers, by key. */
  readonly peersCpuMs?: Readonly<Record<string, number>>;
}

export interface Peer {
  readonly key: string;
  readonly title: string;
}

/** Measurements side by side. */
export interface Comparison {
  readonly title: string;
  readonly peers: readonly Peer[];
  /** The peer against which the goals are judged. */
  readonly judgedBy?: string;
  readonly rows: readonly Measurement[];
}

/** The value that stands for a measurement. */
export function medianOf(value: number | Samples): number {
  return typeof value === 'number' ? value : value.median;
}

/** What we need for what the peer needs 1: below 1 is better, for rates too. */
export function ratioOf(unit: Unit, ours: number, peer: number): number {
  return unit === '/s' || unit === 'MB/s' ? peer / ours : ours / peer;
}

/** The goal is half of what the peer needs; the aim is a quarter. */
export function verdictOf(ratio: number): string {
  if (ratio <= 0.25) return 'a quarter or less';
  if (ratio <= 0.5) return 'half or less';
  return ratio <= 1 ? 'less' : 'more';
}
