type CleanUp = () => void;

/** One set for all test files of this process, which each load these modules anew. */
const cleanUps = ((): Set<CleanUp> => {
  const shared = globalThis as { kihonCleanUps?: Set<CleanUp> };
  if (shared.kihonCleanUps !== undefined) return shared.kihonCleanUps;
  const created = new Set<CleanUp>();
  shared.kihonCleanUps = created;
  const run = (): void => {
    for (const cleanUp of created) cleanUp();
    created.clear();
  };
  process.once('exit', run);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.once(signal, () => {
      run();
      // Nobody handles it any more, so this time it does what it does by default.
      process.kill(process.pid, signal);
    });
  }
  return created;
})();

/** Runs `cleanUp` when the test process ends before its tests do. It must be synchronous. Returns the function that takes it back. */
export function atExit(cleanUp: CleanUp): () => void {
  cleanUps.add(cleanUp);
  return () => void cleanUps.delete(cleanUp);
}
