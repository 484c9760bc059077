import { describeAarch64Smoke } from '../support/vm/aarch64-smoke.ts';

describeAarch64Smoke(
  'a guest of aarch64, with the kata kernel',
  'kata-aarch64',
  'make kernel CONFIG=kata ARCH=aarch64',
);
