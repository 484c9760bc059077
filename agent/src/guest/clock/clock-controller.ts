/** One comparison of the guest's clock with the reference. */
export interface ClockSample {
  /** Reference minus guest, in ns: positive when the guest is behind. */
  readonly offsetNs: bigint;
  /** How long the comparison took, in ns; the offset is wrong by half of it at most. */
  readonly delayNs: bigint;
}

/** What to do about it. */
export type ClockAction =
  | { readonly kind: 'none' }
  /** Set the clock forward (or back) at once. */
  | { readonly kind: 'step'; readonly offsetNs: bigint }
  /** Let it run faster by so many billionths. */
  | { readonly kind: 'slew'; readonly frequencyPpb: number };

/** Beyond this a clock is set rather than slewed: it would take minutes. A guest that was paused is behind by more. */
const STEP_NS = 100_000_000n;
/** A comparison that was interrupted for so long says nothing. */
const MAX_DELAY_NS = 5_000_000n;
/** What the kernel can do: MAXFREQ of linux/timex.h. */
const MAX_FREQUENCY_PPB = 500_000;
/** Of a proportional-integral controller with one sample an interval: damped, settles within ten intervals. */
const PROPORTIONAL = 0.7;
const INTEGRAL = 0.3;

const clamp = (value: number): number => Math.max(-MAX_FREQUENCY_PPB, Math.min(MAX_FREQUENCY_PPB, value));
const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/**
 * Decides how a clock follows a reference that is read at regular times: sets it when it is far away, else changes how fast it
 * runs. Pure: what it decides depends on the samples alone.
 */
export class ClockController {
  readonly #intervalSec: number;
  /** How fast the guest's clock must run to keep up, as far as it is known. */
  #drift = 0;
  #hasSample = false;
  /** The sample before was far away. */
  #isSuspicious = false;

  constructor(intervalSec: number) {
    this.#intervalSec = intervalSec;
  }

  /** Takes the sample of one interval. */
  update({ offsetNs, delayNs }: ClockSample): ClockAction {
    if (delayNs > MAX_DELAY_NS || delayNs < 0n) return { kind: 'none' };
    if (magnitude(offsetNs) > STEP_NS) {
      // One odd sample is no reason to set a clock that was right; the first one is.
      const isBelieved = !this.#hasSample || this.#isSuspicious;
      this.#hasSample = true;
      this.#isSuspicious = !isBelieved;
      return isBelieved ? { kind: 'step', offsetNs } : { kind: 'none' };
    }
    this.#hasSample = true;
    this.#isSuspicious = false;
    // ns a second are billionths.
    const perSecond = Number(offsetNs) / this.#intervalSec;
    const wanted = this.#drift + (PROPORTIONAL + INTEGRAL) * perSecond;
    const frequencyPpb = clamp(wanted);
    // At its limit the offset tells nothing about the drift.
    if (frequencyPpb === wanted) this.#drift = clamp(this.#drift + INTEGRAL * perSecond);
    return { kind: 'slew', frequencyPpb: Math.round(frequencyPpb) };
  }
}
