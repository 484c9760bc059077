/** Something the user can act on: printed as one line (or a short list), without a stack. */
export class BuildFailure extends Error {
  override readonly name = 'BuildFailure';
}

/** The user pressed ctrl-C or the process was told to end; everything started has been stopped. */
export class BuildInterrupted extends Error {
  override readonly name = 'BuildInterrupted';
  readonly signal: NodeJS.Signals;

  /** @param signal Name of the signal that ended it, such as `SIGINT`. */
  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}
