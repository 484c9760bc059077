import { describeAarch64Smoke } from '../support/vm/aarch64-smoke.ts';
import { findKernel } from '../support/vm/guest-assets.ts';

// The kernel built here, else Debian's, whose drivers are modules.
if (findKernel('lean-aarch64') === undefined)
  describeAarch64Smoke('a guest of aarch64, with the packaged kernel', 'packaged-arm64', 'make cross-aarch64');
else describeAarch64Smoke('a guest of aarch64, with the lean kernel', 'lean-aarch64', 'make kernel ARCH=aarch64');
