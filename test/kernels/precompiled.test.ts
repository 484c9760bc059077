import { describe, expect, it } from 'vitest';
import { comparePrecompiled } from '../../kernel-config/src/build/precompiled/compare-kernels.ts';
import { listSeries } from '../../kernel-config/src/build/kernel-source.ts';
import { LEAN } from '../../kernel-config/src/configurations.ts';

/** Two builds from nothing, on a slow machine. */
const TIMEOUT_MS = 5_400_000;

/** A build ID (SHA-1) is made of all names too, and those have numbers that differ. */
const BUILD_ID_BYTES = 20;

const series = (await listSeries()).filter((name) => LEAN.precompiledSeries?.includes(name) === true);

// A quarter of an hour for each series on two processors, so only for who asks: make test-kernels COMPARE=1.
describe.skipIf(process.env['COMPARE'] === undefined)('a lean kernel with precompiled headers', () => {
  it.each(series)(
    'of series %s is the one without, but for its build ID',
    async (name) => {
      const compared = await comparePrecompiled({ config: 'lean', architecture: 'x86_64', series: name });
      expect(compared.differences).toEqual([]);
      expect(compared.differentBytes).toBeLessThanOrEqual(BUILD_ID_BYTES);
      expect(compared.precompiled).toBeGreaterThan(compared.objects / 2);
    },
    TIMEOUT_MS,
  );
});
