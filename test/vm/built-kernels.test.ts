import { describe, it } from 'vitest';
import { findKernel } from '../support/vm/guest-assets.ts';
import { describeSmoke } from '../support/vm/smoke.ts';

/** Each takes ten minutes to build, so a machine has them only when somebody asked for them. */
for (const kernel of ['kata', 'debug', 'confidential'] as const) {
  if (process.env['KIHON_TEST_KERNELS'] === undefined || findKernel(kernel) === undefined)
    describe(`a guest with the ${kernel} kernel`, () => {
      it.skip(`needs KIHON_TEST_KERNELS=1 and the kernel: make kernel CONFIG=${kernel}`, () => undefined);
    });
  else describeSmoke(`a guest with the ${kernel} kernel`, { kernel });
}
