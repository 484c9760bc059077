/** Seed of the run: `KIHON_FUZZ_SEED`, else another one each time. It is printed, so that any run can be repeated. */
export const fuzzSeed = Number(process.env['KIHON_FUZZ_SEED'] ?? Date.now() % 0x7fff_ffff) | 0;

/** One case of that seed, as a failure prints it: `KIHON_FUZZ_PATH`. */
export const fuzzPath: string | undefined = process.env['KIHON_FUZZ_PATH'] || undefined;

/** How long each target runs: `KIHON_FUZZ_SECONDS`. */
export const fuzzSeconds = Number(process.env['KIHON_FUZZ_SECONDS'] ?? 20);
