import { cpuMs } from '../support/agent/kernel-view.ts';
import { summarize, type Samples } from './statistics.ts';

interface Lap {
  readonly times: number[];
  cpuMs: number;
  count: number;
}

/**
 * Wall-clock time of kinds of work, and the CPU time that a process used meanwhile (utime + stime of /proc/PID/stat). The kernel
 * rounds the latter to 10 ms ticks, which evens out over many laps.
 */
export class CpuStopwatch {
  readonly #pid: number;
  readonly #laps = new Map<string, Lap>();

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** One lap of a kind. */
  async time<T>(kind: string, work: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    const result = await this.batch(kind, 1, work);
    this.#lap(kind).times.push(performance.now() - begin);
    return result;
  }

  /** Work that is `count` of a kind and keeps its times itself. */
  async batch<T>(kind: string, count: number, work: () => Promise<T>): Promise<T> {
    const before = cpuMs(this.#pid);
    const result = await work();
    const lap = this.#lap(kind);
    lap.cpuMs += cpuMs(this.#pid) - before;
    lap.count += count;
    return result;
  }

  #lap(kind: string): Lap {
    let lap = this.#laps.get(kind);
    if (lap === undefined) this.#laps.set(kind, (lap = { times: [], cpuMs: 0, count: 0 }));
    return lap;
  }

  samples(kind: string): Samples {
    return summarize(this.#lap(kind).times);
  }

  /** CPU time of one, in ms. */
  cpuMs(kind: string): number {
    const { cpuMs: total, count } = this.#lap(kind);
    return total / count;
  }
}
