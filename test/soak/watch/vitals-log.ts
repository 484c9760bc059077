import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.ts';
import type { Place, Vitals } from '../places/place.ts';

/** Between two looks, in ms; in a guest each is a process. */
const PAUSE_MS: Readonly<Record<Place['kind'], number>> = { process: 50, vm: 500 };

export interface TimedVitals extends Vitals {
  /** Since the log began. */
  readonly atMs: number;
}

/** How the agent is, again and again, while something else happens. */
export class VitalsLog implements AsyncDisposable {
  readonly entries: TimedVitals[] = [];
  readonly #place: Place;
  readonly #begin = performance.now();
  readonly #loop: Promise<void>;
  #hasEnded = false;

  private constructor(place: Place) {
    this.#place = place;
    this.#loop = this.#run();
  }

  /** @throws Error where the place cannot be looked at; then nothing goes on */
  static async start(place: Place): Promise<VitalsLog> {
    await eventually(() => place.vitals());
    const log = new VitalsLog(place);
    await log.look().catch(() => undefined);
    return log;
  }

  async #run(): Promise<void> {
    while (!this.#hasEnded) {
      await this.look().catch(() => {
        // A guest without free memory may not be able to look at itself; the pulse says whether it answers.
      });
      await sleep(PAUSE_MS[this.#place.kind]);
    }
  }

  /** One more entry, now. @throws Error where the guest cannot say it */
  async look(): Promise<Vitals> {
    const vitals = await this.#place.vitals();
    this.entries.push({ atMs: performance.now() - this.#begin, ...vitals });
    return vitals;
  }

  /** The largest value of one field. */
  most(field: keyof Vitals): number {
    return Math.max(...this.entries.map((entry) => entry[field]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hasEnded = true;
    await this.#loop;
  }
}
