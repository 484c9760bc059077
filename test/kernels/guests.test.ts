import { describe, it } from 'vitest';
import { findKernel } from '../support/vm/guest-assets.ts';
import { describeSmoke } from '../support/vm/smoke.ts';

/** What each was made with; none of them is needed for anything else, so a machine has them only when somebody asked for them. */
const KERNELS = {
  kata: 'CONFIG=kata',
  debug: 'CONFIG=debug',
  confidential: 'CONFIG=confidential',
  newer: 'SERIES=7.2 OUTPUT=build/x86_64/newer',
} as const;

for (const kernel of ['kata', 'debug', 'confidential', 'newer'] as const) {
  if (findKernel(kernel) === undefined)
    describe(`a guest with the ${kernel} kernel`, () => {
      it.skip(`needs it: make kernel ${KERNELS[kernel]}`, () => undefined);
    });
  else describeSmoke(`a guest with the ${kernel} kernel`, { kernel });
}
