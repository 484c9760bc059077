/** Runs `release` when the value is disposed of, at the latest when the process exits. */
export function untilExit(release: () => void): Disposable {
  process.once('exit', release);
  return {
    [Symbol.dispose]: () => {
      process.removeListener('exit', release);
      release();
    },
  };
}
