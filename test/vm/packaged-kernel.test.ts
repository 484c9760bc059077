import { describe, it } from 'vitest';
import { findKernel } from '../support/vm/guest-assets.ts';
import { describeSmoke } from '../support/vm/smoke.ts';

if (findKernel('packaged') === undefined)
  describe('a guest with the packaged kernel', () => {
    it.skip('needs it: make setup downloads it', () => undefined);
  });
else describeSmoke('a guest with the packaged kernel, whose drivers are modules of the initrd', { kernel: 'packaged' });
